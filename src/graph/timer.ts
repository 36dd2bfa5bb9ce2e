// Times work on the GPU, quantisation-safe: browsers round timestamps to steps of 100 microseconds, so one compute
// pass repeats the work until it takes many such steps. Without timestamp-query the host's clock runs from submit
// until the work is done; then enough is repeated for the way there and back not to count.

/** Least ms of a sample: 50 steps of 100 microseconds, or the host's way to the GPU some ten times over. */
const SAMPLE_MS = { 'timestamp-query': 5, host: 20 };
/** Dispatches in one pass, at most: an idle one takes a microsecond or so on fast GPUs. */
const MAX_REPEATS = 4096;
/** A guess from a short run may be this much too high. */
const GROWTH = 16;

/** Records `repeats` runs of the work into a pass. */
export type Encode = (pass: GPUComputePassEncoder, repeats: number) => void;

export class Timer {
  readonly clock: 'timestamp-query' | 'host';
  private readonly queries: GPUQuerySet | undefined;
  private readonly resolved: GPUBuffer | undefined;
  private readonly staging: GPUBuffer | undefined;

  constructor(private readonly device: GPUDevice) {
    this.clock = device.features.has('timestamp-query') ? 'timestamp-query' : 'host';
    if (this.clock === 'host') return;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.queries = device.createQuerySet({ type: 'timestamp', count: 2 });
    this.resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
    this.staging = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
  }

  /** ms that one pass takes with `repeats` runs in it. */
  async once(encode: Encode, repeats: number): Promise<number> {
    const { queries, resolved, staging } = this;
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass(
      queries && {
        timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
      },
    );
    encode(pass, repeats);
    pass.end();
    if (queries && resolved && staging) {
      encoder.resolveQuerySet(queries, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
    }
    const started = performance.now();
    this.device.queue.submit([encoder.finish()]);
    if (!staging) {
      await this.device.queue.onSubmittedWorkDone();
      return performance.now() - started;
    }
    await staging.mapAsync(GPUMapMode.READ);
    const [begin, end] = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return Number(end! - begin!) / 1e6;
  }

  /** How many runs make a sample long enough. Warms up on the way. */
  async repeatsFor(encode: Encode): Promise<number> {
    await this.once(encode, 1); // the first use of a pipeline may finish compiling it
    for (let repeats = 1; ; ) {
      const ms = await this.once(encode, repeats);
      const wanted = SAMPLE_MS[this.clock];
      if (ms >= wanted || repeats >= MAX_REPEATS) return repeats;
      const guess = Math.ceil((1.2 * repeats * wanted) / Math.max(ms, 1e-3));
      repeats = Math.min(MAX_REPEATS, GROWTH * repeats, Math.max(repeats + 1, guess));
    }
  }

  destroy(): void {
    this.queries?.destroy();
    this.resolved?.destroy();
    this.staging?.destroy();
  }
}
