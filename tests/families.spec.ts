// Every row of the profile table (src/model/profiles.ts), from a family's own file to detections, against torchvision
// or an independent program (scripts/family_reference.py) in float64. The reference's own float32 run says how much
// rounding alone may move a result; we may depart four times as far. Of other trunks, the maps.

import { afterAll, describe, expect, test } from 'vitest';
import type { Detection } from '../src/detection';
import type { LoadOptions } from '../src/load';
import { MaskRCNN } from '../src/mask_rcnn';
import { caffe2Pickle } from './caffe2_blobs';
import { inOrderOf, largest } from './compare_detections';
import { picture } from './engine';
import { FAMILIES, TRUNKS } from './family_cases';
import { type Golden, readGolden } from './golden_file';
import { testDevice } from './gpu';
import { listedTensors, listedWeights } from './synthetic_weights';

/** How far we may be from float64, as a multiple of the distance of the reference's float32 run. */
const NOISE_FACTOR = 4;

/** Of a map's largest value. */
const MAP_TOLERANCE = 1e-4;

async function load(golden: Golden): Promise<MaskRCNN> {
  const { architecture } = golden.metadata;
  const options = JSON.parse(golden.metadata.options!) as LoadOptions;
  const file = listedWeights(golden, architecture ? { architecture } : {});
  return MaskRCNN.load(new Blob([file]), { device: await testDevice(), tuning: null, ...options });
}

describe.each(FAMILIES)('%s', (name) => {
  const golden = readGolden(`family_${name}`);
  let model: MaskRCNN;
  afterAll(() => model?.destroy());

  test('its maps and detections', async () => {
    model = await load(golden);
    const labels = mapLabels(golden);
    const { detections, tensors } = await model.detect(await picture(golden.metadata.image!), {
      tensors: labels,
    });
    compareMaps(golden, labels, tensors!);
    compareDetections(golden, detections, model.config.inclusiveBoxes);
  }, 120_000);
});

describe.each(TRUNKS)('%s', (name) => {
  const golden = readGolden(`family_${name}`);
  let model: MaskRCNN;
  afterAll(() => model?.destroy());

  test('its maps', async () => {
    model = await load(golden);
    const labels = mapLabels(golden);
    const { tensors } = await model.detect(await picture(golden.metadata.image!), { tensors: labels });
    compareMaps(golden, labels, tensors!);
  }, 120_000);
});

test("detectron2's from a .pkl with Caffe2's names", async () => {
  const golden = readGolden('family_d2_mask_50');
  const options = JSON.parse(golden.metadata.options!) as LoadOptions;
  const model = await MaskRCNN.load(new Blob([caffe2Pickle(listedTensors(golden))]), {
    device: await testDevice(),
    tuning: null,
    ...options,
  });
  const { detections } = await model.detect(await picture(golden.metadata.image!));
  compareDetections(golden, detections, false);
  model.destroy();
}, 120_000);

function mapLabels(golden: Golden): string[] {
  return golden.names.filter((label) => label.endsWith('/samples')).map((label) => label.split('/')[0]!);
}

interface Found {
  shape: readonly number[];
  data: ArrayLike<number>;
}

function compareMaps(golden: Golden, labels: readonly string[], found: Record<string, Found>): void {
  let worst = 0;
  for (const label of labels) {
    const { shape, indices, samples, stats } = golden.summary(label);
    const [, channels, height, width] = shape as [number, number, number, number];
    // maps are stored in quads of channels, those beyond their own zeros; what the RPN decides by is not
    const stored = label.startsWith('rpn') ? channels : Math.ceil(channels / 4) * 4;
    expect(found[label]!.shape, label).toEqual([1, height, width, stored]);
    const ours = indices.map((index) => {
      const [x, y] = [index % width, Math.floor(index / width) % height];
      return found[label]!.data[(y * width + x) * stored + Math.floor(index / (width * height))]!;
    });
    const error = largest(ours, samples) / stats[0]!;
    expect(error, label).toBeLessThanOrEqual(MAP_TOLERANCE);
    worst = Math.max(worst, error);
  }
  console.info(`worst map: ${worst.toExponential(2)} (float32: ${golden.metadata.float32_noise_maps})`);
}

function compareDetections(golden: Golden, found: readonly Detection[], inclusive: boolean): void {
  const want = (what: string) => golden.tensor(`float64/${what}`).data;
  const allowed = (what: string) => NOISE_FACTOR * Number(golden.metadata[`float32_noise_${what}`]);
  expect(found.length, 'nothing missing, nothing extra').toBe(want('labels').length);
  expect(found.length).toBeGreaterThan(4);
  const ours = inOrderOf(want('scores'), want('labels'), want('boxes'), found, allowed('scores'));
  const values: Record<string, () => number[]> = {
    // the reference's x2 and y2 may be the last pixels of a box; ours are its end
    boxes: () => ours.flatMap(({ box }) => (inclusive ? box.map((x, i) => x - Number(i > 1)) : box)),
    scores: () => ours.map(({ score }) => score),
    masks: () => ours.flatMap(({ mask }) => [...mask!.probabilities]),
    keypoints: () => ours.flatMap(({ keypoints }) => keypoints!.flatMap(({ x, y, score }) => [x, y, score])),
  };
  for (const [what, ourValues] of Object.entries(values)) {
    if (!golden.has(`float64/${what}`)) continue;
    const error = largest(ourValues(), want(what));
    console.info(`${what}: ${error.toExponential(2)}, allowed ${allowed(what).toExponential(2)}`);
    expect(error, what).toBeLessThanOrEqual(allowed(what));
  }
  if (!golden.has('float64/mask_areas')) return;
  ours.forEach(({ mask }, i) => {
    for (const [where, threshold] of [
      ['GPU', 0.5],
      ['CPU', 0.5 + 2 ** -30], // another number, of which float32 makes the same
    ] as const) {
      const difference = Math.abs(mask!.area(threshold) - want('mask_areas')[i]!);
      expect(difference, `area of mask ${i}, ${where}`).toBeLessThanOrEqual(want('mask_doubtful')[i]!);
    }
  });
}
