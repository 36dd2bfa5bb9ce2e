// Takes times that hold: enough runs in one sample, enough samples, and their quantiles.
//
// Browsers round timestamps to steps of 100 microseconds, so a sample is one compute pass that repeats the work
// until it takes many such steps. Without timestamp-query the host's clock runs from submit until the work is
// done; the sample is made long enough for the way there and back not to count.

import { quantileSorted } from 'simple-statistics';
import { Bench } from 'tinybench';
import type { Milliseconds } from './report';

/** Least ms of a sample: 50 steps of 100 microseconds, or the host's way to the GPU some ten times over. */
const SAMPLE_MS = { 'timestamp-query': 5, host: 20 };
/** Dispatches in one pass, at most: an idle one takes a microsecond or so on fast GPUs. */
const MAX_REPEATS = 4096;
/** A guess from a short run may be this much too high. */
const GROWTH = 16;
const MIN_SAMPLES = 5;

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

  /** Times one run of the work: samples for `seconds`, five at least. */
  async measure(encode: Encode, seconds: number, signal?: AbortSignal): Promise<Milliseconds> {
    const repeats = await this.repeatsFor(encode);
    const run = async (): Promise<number> => (await this.once(encode, repeats)) / repeats;
    return { ...(await sample(run, seconds, signal)), repeats };
  }

  destroy(): void {
    this.queries?.destroy();
    this.resolved?.destroy();
    this.staging?.destroy();
  }
}

/** Calls `run`, which says how many ms it found, for `seconds` and five times at least. */
export async function sample(
  run: () => Promise<number>,
  seconds: number,
  signal?: AbortSignal,
): Promise<Milliseconds> {
  const bench = new Bench({
    time: seconds * 1000,
    iterations: MIN_SAMPLES,
    warmup: false, // finding the repeats has warmed up
    retainSamples: true,
    throws: true,
    signal,
  });
  bench.add('sample', async () => {
    const started = bench.now();
    const overriddenDuration = await run();
    return { overriddenDuration, overriddenIterationCost: bench.now() - started };
  });
  const [task] = await bench.run();
  signal?.throwIfAborted();
  const result = task!.result;
  if (!('latency' in result) || !result.latency.samples)
    throw new Error(`no samples: the run ${result.state}`);
  return summarise(result.latency.samples);
}

/** Quantiles of samples in ms. */
export function summarise(samples: readonly number[], repeats = 1): Milliseconds {
  const sorted = [...samples].sort((a, b) => a - b);
  const [p5, p50, p95] = [0.05, 0.5, 0.95].map((p) => quantileSorted(sorted, p)) as [number, number, number];
  return { p5, p50, p95, spread: p50 ? (100 * (p95 - p5)) / p50 : 0, samples: sorted.length, repeats };
}
