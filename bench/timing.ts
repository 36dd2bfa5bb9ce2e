// Takes times that hold: enough runs in one sample, enough samples, and their quantiles.

import { quantileSorted } from 'simple-statistics';
import { Bench } from 'tinybench';
import type { Encode, Timer } from '../src/graph/timer';
import type { Milliseconds } from './report';

const MIN_SAMPLES = 5;

/** Times one run of the work: samples for `seconds`, five at least. */
export async function measure(
  timer: Timer,
  encode: Encode,
  seconds: number,
  signal?: AbortSignal,
): Promise<Milliseconds> {
  const repeats = await timer.repeatsFor(encode);
  const run = async (): Promise<number> => (await timer.once(encode, repeats)) / repeats;
  return { ...(await sample(run, seconds, signal)), repeats };
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
