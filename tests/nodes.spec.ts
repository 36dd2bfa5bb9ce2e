// Every node of ResNet-50-FPN and the RPN's head against torchvision in float64, by its label.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MaskRCNN } from '../src/mask_rcnn';
import { picture, syntheticModel } from './engine';
import { readGolden } from './golden_file';

const golden = readGolden('nodes_astronaut_480x640');
const labels = golden.names.filter((name) => name.endsWith('/samples')).map((name) => name.split('/')[0]!);
const { image, min_size, max_size } = golden.metadata as Record<string, string>;

/** Of the map's largest value. */
const TOLERANCE = 1e-4;

let model: MaskRCNN;

beforeAll(async () => {
  model = await syntheticModel('maskrcnn', { minSize: Number(min_size), maxSize: Number(max_size) });
}, 300_000);

afterAll(() => model?.destroy());

test(`${labels.length} nodes; the first that departs is named`, async () => {
  expect(labels.length).toBeGreaterThan(80);
  const { tensors } = await model.detect(await picture(image!), { tensors: labels });
  const rows = labels.map((label) => compare(label, tensors![label]!));
  const departed = rows.filter((row) => !(row.error <= TOLERANCE) || !(row.normError <= TOLERANCE));
  expect(departed.slice(0, 3), `first that departs: ${departed[0]?.label}`).toEqual([]);
  const worst = rows.reduce((a, b) => (b.error > a.error ? b : a));
  console.info(`worst node: ${worst.label}, ${worst.error.toExponential(2)} of its largest value`);
}, 300_000);

/** Errors of a node over its largest value: at the golden's samples, and of the whole map's L2 norm. */
function compare(label: string, got: { shape: readonly number[]; data: ArrayLike<number> }) {
  const { shape, indices, samples, stats } = golden.summary(label);
  const [, channels, height, width] = shape as [number, number, number, number];
  const stored = label === 'image' ? 4 : channels; // the picture has a fourth channel, of zeros
  expect(got.shape, label).toEqual([1, height, width, stored]);
  const [largest, , norm] = stats as unknown as [number, number, number];
  const errors = indices.map((index, k) => {
    const [x, y] = [index % width, Math.floor(index / width) % height];
    const c = Math.floor(index / (width * height));
    return Math.abs(got.data[(y * width + x) * stored + c]! - samples[k]!);
  });
  let squares = 0;
  for (let i = 0; i < got.data.length; i++) squares += got.data[i]! ** 2;
  return {
    label,
    error: Math.max(...errors) / largest,
    normError: Math.abs(Math.sqrt(squares) - norm) / norm,
  };
}
