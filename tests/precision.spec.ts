// Halves against float32: what is found with confidence is the same, to a pixel. With trained weights: random ones
// amplify rounding, and say nothing.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Detection } from '../src/detection';
import type { MaskRCNN } from '../src/mask_rcnn';
import { MaskRCNN as NodeMaskRCNN } from '../src/node';
import { nucleiModel, picture } from './engine';
import { testDevice } from './gpu';

const SHARED = resolve(process.env.SHARED_DATA ?? '../shared/data');
const MOBILE = `${SHARED}/maskrcnn2go`;
const PHOTOGRAPHS = ['000000001268', '000000001584', '000000003156', '000000008211'];
/** Detections of less are within rounding of suppression and thresholds. */
const CONFIDENT = 0.5;

type Load = (options: { precision: 'f32' | 'f16' }) => Promise<MaskRCNN>;

/** `iou`: what masks must overlap, where anything is promised of it. */
async function compare(load: Load, pictures: string[], iou = 0): Promise<void> {
  const found = new Map<string, Detection[][]>();
  for (const precision of ['f32', 'f16'] as const) {
    const model = await load({ precision });
    const all: Detection[][] = [];
    for (const path of pictures) all.push((await model.detect(await picture(path))).detections);
    found.set(precision, all);
    model.destroy();
  }
  pictures.forEach((path, i) => {
    const halves = found.get('f16')![i]!;
    let [worst, least] = [0, 1];
    for (const wanted of found.get('f32')![i]!.filter(({ score }) => score >= CONFIDENT)) {
      const same = halves.filter(({ classIndex }) => classIndex === wanted.classIndex);
      const distance = ({ box }: Detection) => Math.max(...box.map((x, k) => Math.abs(x - wanted.box[k]!)));
      const nearest = same.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      worst = Math.max(worst, distance(nearest));
      least = Math.min(least, overlap(wanted.mask!.bitmap(), nearest.mask!.bitmap()));
    }
    console.info(`${path}: boxes within ${worst.toFixed(3)} px, masks' IoU at least ${least.toFixed(4)}`);
    expect(worst, path).toBeLessThan(1);
    expect(least, path).toBeGreaterThanOrEqual(iou);
  });
}

function overlap(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  a.forEach((bit, i) => {
    if (bit && b[i]) both++;
    if (bit || b[i]) either++;
  });
  return either ? both / either : 1;
}

// Boxes only: masks of objects of 20 pixels fall short of what holds on photographs (0.92, docs/decisions/0010).
test('nuclei', { timeout: 120_000 }, () => compare(nucleiModel, ['tests/images/nuclei_192x256.png']));

test('MaskRCNN2Go on photographs', { timeout: 300_000 }, async ({ skip }) => {
  skip(!existsSync(MOBILE), `${MOBILE} is not here: set SHARED_DATA`);
  const device = await testDevice();
  const load: Load = (options) => NodeMaskRCNN.load(MOBILE, { device, ...options });
  const photographs = PHOTOGRAPHS.map((id) => `${MOBILE}/images/${id}.jpg`);
  await compare(load, photographs, 0.98);
});
