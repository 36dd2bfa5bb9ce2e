// The GPU's times of every node of one run: a pass each, with a timestamp before and after.

const STAMP_BYTES = 8;

export class NodeClock {
  readonly bytes: number;
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;

  /** Needs the feature timestamp-query. */
  constructor(
    device: GPUDevice,
    private readonly nodes: number,
  ) {
    this.bytes = 2 * nodes * STAMP_BYTES;
    const { QUERY_RESOLVE, COPY_SRC } = GPUBufferUsage;
    this.queries = device.createQuerySet({ type: 'timestamp', count: 2 * nodes });
    this.resolved = device.createBuffer({ size: this.bytes, usage: QUERY_RESOLVE | COPY_SRC });
  }

  /** For the pass of node i. */
  around(i: number): GPUComputePassTimestampWrites {
    return { querySet: this.queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
  }

  /** All stamps, as u64 of ns, to `offset` of a buffer. */
  resolve(encoder: GPUCommandEncoder, into: GPUBuffer, offset: number): void {
    encoder.resolveQuerySet(this.queries, 0, 2 * this.nodes, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, into, offset, this.bytes);
  }

  destroy(): void {
    this.queries.destroy();
    this.resolved.destroy();
  }
}
