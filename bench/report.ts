// What a benchmark leaves: one JSON document, written in Node or by the page, read by --compare and by the page.

import type { NodeProfile } from '../src/graph/profile';

export const FORMAT = 'maskrcnn-webgpu bench 1';

export interface Report {
  format: typeof FORMAT;
  environment: Environment;
  ceilings: Ceilings;
  results: Result[];
  /** What could not be timed: a wrong result, or something that the device refused. */
  failures: Failure[];
  /** One run of the whole model, node by node. */
  profile?: ModelProfile;
}

export interface Environment {
  /** ISO 8601. */
  date: string;
  /** Of git; ends in `+` where the tree had changes. */
  commit: string;
  versions: Record<string, string>;
  adapter: { vendor: string; architecture: string; device: string; description: string };
  features: string[];
  limits: Record<string, number>;
  /** GPU time by timestamp-query, or time on the host's clock from submit until the work is done. */
  clock: 'timestamp-query' | 'host';
}

/** What this adapter reaches at most, measured by micro-kernels of our own. */
export interface Ceilings {
  /** GFLOP/s of independent multiply-adds (two operations each). f16 where the device has shader-f16. */
  peak: { f32: Peak; f16?: Peak };
  /** Of a copy, by the bytes that it reads and writes together, ascending; the last is beyond any cache. */
  copy: { bytes: number; gbs: number }[];
}

export interface Peak {
  gflops: number;
  /** The form that reached it, and what all forms reached, in GFLOP/s. */
  form: string;
  forms: Record<string, number>;
}

export interface Milliseconds {
  p5: number;
  p50: number;
  p95: number;
  /** (p95 - p5) / p50, percent. */
  spread: number;
  /** Number of samples, and how many runs of the dispatch each is the mean of. */
  samples: number;
  repeats: number;
}

export interface Measured {
  ms: Milliseconds;
  /** 0 where nothing is multiplied. */
  gflops: number;
  gbs: number;
}

/** What is timed: a dispatch, or a few that belong together. */
export interface Work {
  /** The same in every report, and once in each. */
  id: string;
  part: 'row' | 'model' | 'variant' | 'picture';
  label: string;
  /** Names of the kernels, in the order in which they run. */
  kernel: string;
  /** What is computed; equal for variants that compute the same. */
  problem: string;
  /** How often the model does it for a picture; 1 elsewhere. */
  times: number;
  /** Multiply-adds of the definition, and bytes of all tensors, each once. */
  macs: number;
  bytes: number;
  arithmetic: 'f32' | 'f16';
}

export interface Result extends Work, Measured {
  error?: WorkError;
  /** FLOP per byte. */
  intensity: number;
  /** Of the time that the measured ceilings allow for so many operations and bytes, percent. */
  ofRoofline?: number;
  /** Of the speed of the fastest variant for the same problem, percent. */
  ofBest: number;
}

export interface WorkError {
  /** Largest difference, and the same over the reference's largest value. */
  absolute: number;
  relative: number;
  /** What it was compared with. */
  reference: string;
}

export interface Failure {
  id: string;
  why: string;
}

export interface ModelProfile {
  picture: string;
  runMs: number;
  nodes: NodeProfile[];
}

/** Percent of the roofline: the least time that the ceilings allow, over the time taken. */
export function ofRoofline(work: Work, ms: number, ceilings: Ceilings): number | undefined {
  const peak = ceilings.peak[work.arithmetic] ?? ceilings.peak.f32;
  const least = Math.max(
    (2 * work.macs) / peak.gflops / 1e6,
    work.bytes / bandwidth(ceilings, work.bytes) / 1e6,
  );
  return least > 0 ? (100 * least) / ms : undefined;
}

/** GB/s of the fastest copy of at least so many bytes: what fits into a cache has that cache's ceiling. */
export function bandwidth({ copy }: Ceilings, bytes: number): number {
  const asLarge = copy.filter((step) => step.bytes >= bytes);
  return Math.max(...(asLarge.length ? asLarge : copy.slice(-1)).map(({ gbs }) => gbs));
}

/** Rates and ratios to the ceilings; `ofBest` is filled in when all variants are known. */
export function resultOf(work: Work, ms: Milliseconds, ceilings: Ceilings, error?: WorkError): Result {
  const flops = 2 * work.macs;
  return {
    ...work,
    ms,
    gflops: flops / ms.p50 / 1e6,
    gbs: work.bytes / ms.p50 / 1e6,
    intensity: work.bytes ? flops / work.bytes : 0,
    ofRoofline: ofRoofline(work, ms.p50, ceilings),
    ofBest: 100,
    ...(error ? { error } : {}),
  };
}

/** Sets `ofBest` of all results; variants of a problem are compared within a part. */
export function rankVariants(results: Result[]): void {
  const best = new Map<string, number>();
  const key = ({ part, problem }: Result): string => `${part} ${problem}`;
  for (const result of results) {
    best.set(key(result), Math.min(result.ms.p50, best.get(key(result)) ?? Number.POSITIVE_INFINITY));
  }
  for (const result of results) result.ofBest = 100 * (best.get(key(result))! / result.ms.p50);
}

/** Reads a report. Throws with advice if `text` is something else. */
export function parseReport(text: string, name: string): Report {
  let report: Partial<Report> | undefined;
  try {
    report = JSON.parse(text);
  } catch {
    // no JSON: said below
  }
  if (report?.format === FORMAT && Array.isArray(report.results)) return report as Report;
  throw new Error(
    `${name}: wanted a report of «${FORMAT}», as npm run bench -- --json FILE writes it; got ${
      report ? `format ${JSON.stringify(report.format)}` : 'no JSON'
    }`,
  );
}
