// `masks: false`: the Faster R-CNN in a Mask R-CNN finds the same boxes, to the bit, and runs no mask head.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MaskRCNN } from '../src/mask_rcnn';
import { nucleiModel, picture } from './engine';

let model: MaskRCNN;

beforeAll(async () => {
  model = await nucleiModel({ minSize: 192, maxSize: 256 });
});
afterAll(() => model?.destroy());

test('the same boxes, scores and classes; no masks, and none of their nodes', async () => {
  const image = await picture('tests/images/nuclei_192x256.png');
  const full = await model.detect(image, { profile: true });
  const boxes = await model.detect(image, { profile: true, masks: false });
  expect(full.detections.length).toBeGreaterThan(10);
  expect(full.detections.every(({ mask }) => mask)).toBe(true);
  expect(boxes.detections).toEqual(full.detections.map(({ mask: _, ...rest }) => rest));

  const labels = (masks: boolean) => new Set(model.describe(192, 256, { masks }).map(({ label }) => label));
  const added = [...labels(true)].filter((label) => !labels(false).has(label));
  expect(labels(false).size).toBe(boxes.profile!.dispatches);
  expect(full.profile!.dispatches - boxes.profile!.dispatches).toBe(added.length);
  expect(added.filter((label) => !/mask/.test(label))).toEqual([]);
  expect(added).toContain('roi_heads.mask_predictor.mask_fcn_logits');

  const again = await model.detect(image); // and masks are there again
  expect(again.detections).toEqual(full.detections);
});
