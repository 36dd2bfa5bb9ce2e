// What is measured of an engine, and what is made of it.

export interface Timing {
  /** To load and compile, up to the point where a run can be asked for, ms. */
  createMs: number;
  /** The first run, with whatever the engine leaves to do until then. */
  firstMs: number;
  /** The runs after it. */
  steadyMs: number[];
}

export interface Limits {
  /** Runs after the first, at most. */
  runs: number;
  /** No run is begun that would end later than this after the start, if it took as long as the one before. */
  limitMs: number;
}

/** Something made ready by an engine. */
export interface Ready<Result> {
  run(): Promise<Result>;
  destroy(): void;
}

/** Times `create`, a first run, and more of them within the limits. The result is the last run's. */
export async function timed<Result>(
  create: () => Promise<Ready<Result>>,
  { runs, limitMs }: Limits,
): Promise<{ timing: Timing; result: Result }> {
  const started = performance.now();
  const ready = await create();
  try {
    const createMs = performance.now() - started;
    let [result, firstMs] = await clocked(() => ready.run());
    let last = firstMs;
    const steadyMs: number[] = [];
    while (steadyMs.length < runs && performance.now() - started + last < limitMs) {
      [result, last] = await clocked(() => ready.run());
      steadyMs.push(last);
    }
    return { timing: { createMs, firstMs, steadyMs }, result };
  } finally {
    ready.destroy();
  }
}

async function clocked<T>(run: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const value = await run();
  return [value, performance.now() - started];
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2) return sorted[middle]!;
  return sorted.length ? (sorted[middle - 1]! + sorted[middle]!) / 2 : Number.NaN;
}

/** (slowest - fastest) / median, percent. */
export function spread(values: readonly number[]): number {
  return (100 * (Math.max(...values) - Math.min(...values))) / median(values);
}

/** NaN of nothing. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** From the start of loading to the first result. */
export function firstResultMs({ createMs, firstMs }: Timing): number {
  return createMs + firstMs;
}

/** The median of the runs after the first; of the first where the limit let no other begin. */
export function steadyStateMs({ firstMs, steadyMs }: Timing): number {
  return steadyMs.length ? median(steadyMs) : firstMs;
}
