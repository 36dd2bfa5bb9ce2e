// Tensors that have come from the worker; those that were not looked at for the longest go when there are too many.

import type { HostTensor } from '../../src/index';

const MAX_BYTES = 256 << 20;

export class TensorCache {
  private readonly held = new Map<string, Promise<HostTensor>>();
  private readonly bytes = new Map<string, number>();

  constructor(
    private readonly fetch: (label: string) => Promise<HostTensor>,
    private readonly most = MAX_BYTES,
  ) {}

  get(label: string): Promise<HostTensor> {
    const tensor = this.held.get(label) ?? this.request(label);
    this.held.delete(label);
    this.held.set(label, tensor); // the last one is the latest
    return tensor;
  }

  private request(label: string): Promise<HostTensor> {
    const tensor = this.fetch(label);
    tensor.then(
      ({ data }) => {
        this.bytes.set(label, data.byteLength);
        this.shrink(label);
      },
      () => this.held.delete(label), // may be asked for again
    );
    return tensor;
  }

  private shrink(latest: string): void {
    let total = [...this.bytes.values()].reduce((a, b) => a + b, 0);
    for (const label of this.held.keys()) {
      if (total <= this.most) return;
      const size = this.bytes.get(label);
      if (size === undefined || label === latest) continue;
      total -= size;
      this.held.delete(label);
      this.bytes.delete(label);
    }
  }
}
