// `maskrcnn detect`: one load, then picture by picture: detections to the terminal, and to the files asked for.
// A picture that cannot be used is passed over and told at the end on stderr; the exit code is then 1.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type DetectResult, ImageError, MaskRCNN, openDevice, readImage, UnsupportedError } from '../node';
import { byClass, type Found, foundObjects } from '../results/found';
import { countTable } from './count';
import { checkOverlayFolder, imagePaths } from './images';
import { Outputs } from './outputs';
import { overlayNames, writeOverlay } from './overlay_file';
import { Profile } from './profile';
import { Progress } from './progress';
import { bytes, duration, table } from './table';

export interface DetectArguments {
  /** Files and folders. */
  images: string[];
  recursive?: boolean;
  weights: string;
  score: number;
  size?: [min: number, max: number];
  /** Print counts instead of a report on each picture. */
  count?: boolean;
  /** Files and the folder to write. */
  json?: string;
  csv?: string;
  overlay?: string;
  profile?: string;
  /** Go on with what an earlier run wrote. */
  resume?: boolean;
}

/** A picture to look at: where it is, and where its overlay goes. */
interface Task {
  path: string;
  overlay: string | undefined;
}

/** -> exit code */
export async function detect(args: DetectArguments): Promise<number> {
  const images = imagePaths(args.images, args.recursive);
  if (args.overlay) checkOverlayFolder(args.images, args.overlay, args.recursive);
  await makeFolders(args);
  const outputs = new Outputs(args, images);
  const overlays = args.overlay ? overlayNames(images, args.overlay) : [];
  const tasks = images
    .map((path, i) => ({ path, overlay: overlays[i] }))
    .filter(({ path, overlay }) => !outputs.found(path) || (overlay !== undefined && !existsSync(overlay)));
  if (args.resume)
    tell(args, `${images.length - tasks.length} of ${images.length} pictures were done already`);
  const failures = tasks.length > 0 ? await detectAll(args, tasks, outputs) : [];
  const usable = images.some((path) => outputs.found(path));
  outputs.finish();
  if (args.count)
    process.stdout.write(countTable(images.map((path) => ({ path, found: outputs.found(path) }))));
  if (usable && outputs.files.length > 0) tell(args, `wrote ${outputs.files.join(', ')}`);
  for (const failure of failures) process.stderr.write(`maskrcnn: ${failure}\n`);
  return failures.length > 0 ? 1 : 0;
}

/** First of all, so that a place that cannot be written to is told before the long work. */
async function makeFolders({ json, csv, overlay, profile }: DetectArguments): Promise<void> {
  for (const file of [json, csv, profile]) if (file) await mkdir(dirname(file), { recursive: true });
  if (overlay) await mkdir(overlay, { recursive: true });
}

function load({ weights, size }: DetectArguments, device: GPUDevice, progress: Progress): Promise<MaskRCNN> {
  return MaskRCNN.load(weights, {
    device,
    onProgress: ({ loaded, total = loaded }) =>
      progress.show(`loading ${basename(weights)}`, loaded, total, `${bytes(loaded)} of ${bytes(total)}`),
    ...(size && { minSize: size[0], maxSize: size[1] }),
  });
}

/** -> what is to be told of the pictures that could not be used */
async function detectAll(args: DetectArguments, tasks: readonly Task[], outputs: Outputs): Promise<string[]> {
  const progress = new Progress();
  const stopped = () => {
    progress.clear();
    outputs.interrupt();
  };
  const release = beforeExit(stopped);
  let device: GPUDevice | undefined;
  let model: MaskRCNN | undefined;
  try {
    device = await openDevice();
    model = await load(args, device, progress);
    return await detectEach(args, tasks, model, outputs, progress);
  } catch (error) {
    stopped();
    throw error;
  } finally {
    release();
    progress.clear();
    model?.destroy();
    device?.destroy();
  }
}

/** Calls back before the process ends, by a signal (Ctrl-C) or because nobody reads what it prints. */
function beforeExit(callback: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals) => {
    release();
    callback();
    process.kill(process.pid, signal); // now as if it had not been caught
  };
  const release = () => {
    for (const signal of signals) process.removeListener(signal, onSignal);
    process.removeListener('exit', callback);
  };
  for (const signal of signals) process.on(signal, onSignal);
  process.on('exit', callback);
  return release;
}

async function detectEach(
  args: DetectArguments,
  tasks: readonly Task[],
  model: MaskRCNN,
  outputs: Outputs,
  progress: Progress,
): Promise<string[]> {
  const profile = new Profile(args.weights);
  const failures: string[] = [];
  const started = performance.now();
  for (const [i, { path, overlay }] of tasks.entries()) {
    const left = ((performance.now() - started) / i) * (tasks.length - i);
    const amount = `${i + 1} of ${tasks.length}${i > 0 ? `, ${duration(left)} left` : ''}`;
    progress.show(basename(path), i, tasks.length, amount);
    try {
      const { result, ms } = await detectOne(args, model, path, overlay);
      const found = foundObjects(result.detections);
      outputs.add(path, found);
      profile.add(path, result, ms);
      progress.clear();
      if (!args.count) process.stdout.write(report(path, result, found, ms, overlay));
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      failures.push(error.message);
    }
  }
  progress.clear();
  if (args.profile && failures.length < tasks.length) {
    await writeFile(args.profile, profile.json(model));
    tell(args, `wrote ${args.profile}`);
  }
  return failures;
}

async function detectOne(
  { score, profile }: DetectArguments,
  model: MaskRCNN,
  path: string,
  overlay: string | undefined,
): Promise<{ result: DetectResult; ms: number }> {
  const image = await readImage(path);
  const started = performance.now();
  const options = { scoreThreshold: score, profile: Boolean(profile) };
  const result = await model.detect(image, options).catch((cause: unknown) => {
    if (!(cause instanceof UnsupportedError)) throw cause;
    throw new ImageError(`${path}: ${cause.message}`, { cause }); // too large for this GPU; others may not be
  });
  const ms = performance.now() - started;
  if (overlay) await writeOverlay(overlay, image, result.detections);
  return { result, ms };
}

/** A heading for the picture and a row for each class. */
function report(
  path: string,
  { width, height }: DetectResult,
  objects: readonly Found[],
  ms: number,
  overlay?: string,
): string {
  const count = `${objects.length} object${objects.length === 1 ? '' : 's'}`;
  const heading = `${path}  ${width}x${height}  ${count}  ${duration(ms)}${overlay ? `  -> ${overlay}` : ''}\n`;
  if (objects.length === 0) return heading;
  const rows = [...byClass(objects)].map(([category, found]) => {
    const scores = found.map(({ score }) => score);
    return [
      category,
      found.length,
      `${Math.min(...scores).toFixed(2)}-${Math.max(...scores).toFixed(2)}`,
      `${median(found.map(({ area }) => area))} px`,
    ];
  });
  return heading + table([['class', 'objects', 'scores', 'median area'], ...rows], '  ');
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** A line about the run itself; with `--count`, stdout is the table's alone. */
function tell({ count }: DetectArguments, line: string): void {
  (count ? process.stderr : process.stdout).write(`${line}\n`);
}
