// The benchmark itself, the same in Node and on the page: ceilings, rows of the kernel tables, dispatches of a
// model, whole pictures.

import { MaskRcnnError } from '../src/errors';
import type { Graph } from '../src/graph/graph';
import { Timer } from '../src/graph/timer';
import type { ImageSource } from '../src/image';
import { traitsOf } from '../src/kernels/methods';
import { interpret, type LoadOptions } from '../src/load';
import type { MaskRCNN } from '../src/mask_rcnn';
import type { Checkpoint } from '../src/model/layers';
import { networkBuilder } from '../src/model/networks';
import type { Size } from '../src/model/transform';
import type { Build } from '../src/tune';
import { readSafetensors, type SafetensorsHeader, type WeightSource } from '../src/weights/safetensors';
import type { KernelCase } from '../tests/kernel_case';
import { type CeilingOptions, measureCeilings } from './ceilings';
import { modelSubjects } from './model';
import { type Environment, FORMAT, type Report, type Result, rankVariants, resultOf } from './report';
import { rowSubjects } from './rows';
import { benchSubject, type Subject, WrongResult } from './subject';
import { sample } from './timing';
import { variantSubjects } from './variants';

export interface SuiteOptions {
  rows?: readonly KernelCase[];
  /** A model's graph: its distinct dispatches are timed. */
  graph?: Graph;
  /** A model's graph by given methods, in float32: every way to compute each of its distinct layers is timed. */
  variants?: Build;
  /** A model to detect with in a picture, as often as there is time. */
  picture?: { model: MaskRCNN; image: ImageSource; name: string };
  /** Only what has this word in its label, kernel, or id. */
  filter?: string;
  /** For each result; five samples at least. */
  seconds?: number;
  ceilings?: CeilingOptions;
  /** Called with each result, and before it with what comes next. */
  onProgress?: (progress: { done: number; total: number; next: string; report: Report }) => void;
  signal?: AbortSignal;
}

export async function runSuite(
  device: GPUDevice,
  environment: Omit<Environment, 'clock' | 'adapter' | 'features' | 'limits'>,
  options: SuiteOptions,
): Promise<Report> {
  const { seconds = 1, filter = '', onProgress = () => {}, signal } = options;
  const timer = new Timer(device);
  const subjects = [
    ...rowSubjects((options.rows ?? []).filter((row) => runsOn(device, row))),
    ...(options.graph ? modelSubjects(options.graph) : []),
    ...(options.variants ? variantSubjects(options.variants, traitsOf(device)) : []),
  ];
  const chosen = subjects.filter(({ work }) => `${work.id} ${work.kernel}`.includes(filter));
  const total = chosen.length + (options.picture ? 1 : 0);
  const report: Report = {
    format: FORMAT,
    environment: { ...environment, ...describeDevice(device), clock: timer.clock },
    ceilings: { peak: { f32: { gflops: 0, form: '', forms: {} } }, copy: [] },
    results: [],
    failures: [],
  };
  try {
    onProgress({ done: 0, total, next: 'multiply-adds and copies, for the roofline', report });
    report.ceilings = await measureCeilings(device, timer, {
      seconds: Math.min(0.2, seconds),
      signal,
      ...options.ceilings,
    });
    for (const [done, subject] of chosen.entries()) {
      onProgress({ done, total, next: subject.work.id, report });
      await benchInto(report, device, timer, subject, seconds, signal);
      rankVariants(report.results);
    }
    if (options.picture) {
      onProgress({ done: chosen.length, total, next: options.picture.name, report });
      await benchPicture(report, options.picture, seconds, signal);
    }
    onProgress({ done: total, total, next: '', report });
    return report;
  } finally {
    timer.destroy();
  }
}

function runsOn(device: GPUDevice, { needs, lanes = 0 }: KernelCase): boolean {
  const { half, subgroup } = traitsOf(device);
  return lanes <= subgroup && (needs !== 'shader-f16' || half);
}

function describeDevice({ adapterInfo, features, limits }: GPUDevice) {
  const { vendor, architecture, device, description } = adapterInfo;
  const names = Object.keys(Object.getPrototypeOf(limits)) as (keyof GPUSupportedLimits)[];
  return {
    adapter: { vendor, architecture, device, description },
    features: [...features].sort(),
    limits: Object.fromEntries(names.map((name) => [name, limits[name] as number])),
  };
}

async function benchInto(
  report: Report,
  device: GPUDevice,
  timer: Timer,
  subject: Subject,
  seconds: number,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  try {
    const { ms, error } = await benchSubject(device, timer, subject, seconds, signal);
    report.results.push(resultOf(subject.work, ms, report.ceilings, error));
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof MaskRcnnError || error instanceof WrongResult)) throw error;
    report.failures.push({ id: subject.work.id, why: error.message });
  }
}

/** Times `detect` from upload to results, and keeps one profiled run. */
async function benchPicture(
  report: Report,
  { model, image, name }: NonNullable<SuiteOptions['picture']>,
  seconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const { detections, width, height } = await model.detect(image); // compiles, and makes buffers
  const { profile } = await model.detect(image, { profile: true });
  report.profile = { picture: name, runMs: profile!.runMs, nodes: profile!.nodes };
  const ms = await sample(async () => (await model.detect(image)).timing.runMs, seconds, signal);
  const label = `${name}, ${width} x ${height}, ${detections.length} detections`;
  report.results.push({
    ...{
      id: `picture ${name}`,
      part: 'picture',
      label,
      kernel: 'detect',
      problem: `picture ${name}`,
      times: 1,
    },
    // no rates: the heads' work depends on what is found
    ...{ macs: 0, bytes: 0, gflops: 0, gbs: 0, intensity: 0, arithmetic: 'f32', ms, ofBest: 100 },
  } satisfies Result);
}

/**
 * A model's graph for pictures of `size`, by given methods, from the header of its checkpoint; the rest is not read.
 * `exact`: as if its weights were float32.
 */
export async function buildOf(
  source: WeightSource,
  size: Size,
  options: LoadOptions = {},
  exact = false,
): Promise<Build> {
  const enough = new AbortController();
  let header: SafetensorsHeader | undefined;
  const visitor = {
    header(found: SafetensorsHeader) {
      header = found;
      enough.abort();
    },
    data() {},
  };
  try {
    await readSafetensors(source, visitor, { signal: enough.signal });
  } catch (error) {
    if (!header) throw error;
  }
  const { tensors, config } = interpret(header!, options);
  const checkpoint: Checkpoint = exact
    ? new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, dtype: 'F32' }]))
    : tensors;
  const build = await networkBuilder(checkpoint, config);
  return (computing) => build(checkpoint, config, size, computing).graph;
}
