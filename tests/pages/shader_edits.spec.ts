// The changes that the page Explore offers for kernels: each has its place in the text, compiles, and is seen.

import { beforeAll, expect, test } from 'vitest';
import { applyEdit, EDITS } from '../../demo/explore/logic/shader_edits';
import type { DetectResult, MaskRCNN } from '../../src/mask_rcnn';
import { nucleiModel, picture } from '../engine';

const SMALL = { minSize: 128, maxSize: 256, rpnPostNmsTopN: 60, boxDetectionsPerImg: 30 };
const image = picture('demo/public/tissue.png');
let model: MaskRCNN;
let plain: DetectResult;

beforeAll(async () => {
  model = await nucleiModel(SMALL);
  plain = await model.detect(await image);
}, 120_000);

/** Boxes, scores and masks, as one text. */
const seen = ({ detections }: DetectResult): string =>
  JSON.stringify(detections.map(({ box, score, mask }) => [box, score, mask?.area()]));

test.each(EDITS.map((edit) => [edit.title, edit] as const))('%s', { timeout: 60_000 }, async (_, edit) => {
  const { height, width } = await image;
  const source = model.shaders(height, width)[edit.kernel]!;
  expect(source.split(edit.from)).toHaveLength(2);
  const changed = applyEdit(source, edit)!;
  const other = await nucleiModel({ ...SMALL, shaders: { [edit.kernel]: changed } });
  expect(seen(await other.detect(await image))).not.toBe(seen(plain));
  other.destroy();
  expect(applyEdit(changed, edit)).toBeUndefined(); // once is enough
});
