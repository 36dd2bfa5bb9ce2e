// `maskrcnn detect`: one load, then picture by picture: detections to the terminal, and to the files asked for.
// A picture that cannot be used is told on stderr and passed over; the exit code is then 1.

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  type Detection,
  type DetectResult,
  fileSource,
  ImageError,
  MaskRCNN,
  openDevice,
  readImage,
} from '../node';
import { type CocoResult, cocoJson, cocoResults } from './coco';
import { overlayNames, writeOverlay } from './overlay_file';
import { Profile } from './profile';
import { Progress } from './progress';
import { bytes, duration, table } from './table';

export interface DetectArguments {
  images: string[];
  weights: string;
  score: number;
  size?: [min: number, max: number];
  /** Files and the folder to write. */
  json?: string;
  overlay?: string;
  profile?: string;
}

/** -> exit code */
export async function detect(args: DetectArguments): Promise<number> {
  await makeFolders(args);
  const progress = new Progress();
  const device = await openDevice();
  let model: MaskRCNN | undefined;
  try {
    model = await load(args, device, progress);
    return await detectAll(args, model, progress);
  } finally {
    progress.clear();
    model?.destroy();
    device.destroy();
  }
}

/** First of all, so that a place that cannot be written to is told before the long work. */
async function makeFolders({ json, overlay, profile }: DetectArguments): Promise<void> {
  for (const file of [json, profile]) if (file) await mkdir(dirname(file), { recursive: true });
  if (overlay) await mkdir(overlay, { recursive: true });
}

function load({ weights, size }: DetectArguments, device: GPUDevice, progress: Progress): Promise<MaskRCNN> {
  return MaskRCNN.load(fileSource(weights), {
    device,
    onProgress: ({ loaded, total = loaded }) =>
      progress.show(`loading ${basename(weights)}`, loaded, total, `${bytes(loaded)} of ${bytes(total)}`),
    ...(size && { minSize: size[0], maxSize: size[1] }),
  });
}

async function detectAll(args: DetectArguments, model: MaskRCNN, progress: Progress): Promise<number> {
  const { images, overlay } = args;
  const names = overlay ? overlayNames(images, overlay) : [];
  const profile = new Profile(args.weights);
  const results: CocoResult[] = [];
  let failures = 0;
  for (const [i, path] of images.entries()) {
    progress.show(basename(path), i, images.length, `${i + 1} of ${images.length}`);
    try {
      const { result, ms } = await detectOne(args, model, path, names[i]);
      results.push(...cocoResults(i, basename(path), result.detections));
      profile.add(path, result, ms);
      progress.clear();
      process.stdout.write(report(path, result, ms, names[i]));
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      failures++;
      progress.clear();
      process.stderr.write(`maskrcnn: ${error.message}\n`);
    }
  }
  if (failures === images.length) return 1;
  if (args.json) await writeFile(args.json, cocoJson(results));
  if (args.profile) await writeFile(args.profile, profile.json(model));
  const written = [args.json, args.profile].filter(Boolean);
  if (written.length > 0) process.stdout.write(`wrote ${written.join(', ')}\n`);
  return failures > 0 ? 1 : 0;
}

async function detectOne(
  { score, profile }: DetectArguments,
  model: MaskRCNN,
  path: string,
  overlay: string | undefined,
): Promise<{ result: DetectResult; ms: number }> {
  const image = await readImage(path);
  const started = performance.now();
  const result = await model.detect(image, { scoreThreshold: score, profile: Boolean(profile) });
  const ms = performance.now() - started;
  if (overlay) await writeOverlay(overlay, image, result.detections);
  return { result, ms };
}

/** A heading for the picture and a row for each class. */
function report(
  path: string,
  { detections, width, height }: DetectResult,
  ms: number,
  overlay?: string,
): string {
  const count = `${detections.length} object${detections.length === 1 ? '' : 's'}`;
  const heading = `${path}  ${width}x${height}  ${count}  ${duration(ms)}${overlay ? `  -> ${overlay}` : ''}\n`;
  if (detections.length === 0) return heading;
  const classes = new Map<string, Detection[]>();
  for (const detection of detections) {
    classes.set(detection.label, [...(classes.get(detection.label) ?? []), detection]);
  }
  const rows = [...classes]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([label, found]) => [
      label,
      found.length,
      `${Math.min(...found.map(({ score }) => score)).toFixed(2)}-${Math.max(...found.map(({ score }) => score)).toFixed(2)}`,
      `${median(found.map(area))} px`,
    ]);
  return heading + table([['class', 'objects', 'scores', 'median area'], ...rows], '  ');
}

function area({ mask, box: [x1, y1, x2, y2] }: Detection): number {
  return mask ? mask.area() : Math.round((x2 - x1) * (y2 - y1));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}
