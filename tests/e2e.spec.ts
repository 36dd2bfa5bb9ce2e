// From pixels to detections, against torchvision run in float64. torchvision's own float32 run, stored beside
// it, says how much rounding alone may move a result; we may depart four times as far.

import { afterAll, describe, expect, test } from 'vitest';
import type { LoadOptions, MaskRCNN } from '../src/mask_rcnn';
import { nucleiModel, picture, syntheticModel } from './engine';
import { type Golden, readGolden } from './golden_file';

const CASES = ['astronaut', 'coffee', 'strip', 'pixel', 'none', 'one', 'hundred', 'faster', 'nuclei'];

/** How far we may be from float64, as a multiple of the distance of torchvision's float32 run. */
const NOISE_FACTOR = 4;
/** Where that run happens to be closer than this, rounding of the last digits still shows. */
const FLOOR = { boxes: 2e-4, scores: 2e-6, masks: 2e-5 };

for (const name of CASES) {
  describe(name, () => {
    const golden = readGolden(`e2e_${name}`);
    let model: MaskRCNN | undefined;
    afterAll(() => model?.destroy());

    test('as torchvision in float64', async () => {
      model = await modelFor(golden);
      const result = await model.detect(await picture(golden.metadata.image!));
      const found = result.detections.slice(0, golden.tensor('float64/labels').data.length);
      if (name !== 'nuclei') expect(result.detections.length).toBe(found.length);
      compare(golden, found);
    }, 300_000);

    test('twice the same, to the bit', async () => {
      const image = await picture(golden.metadata.image!);
      const [a, b] = [await model!.detect(image), await model!.detect(image)];
      expect(b.detections).toEqual(a.detections);
    }, 300_000);
  });
}

function modelFor({ metadata }: Golden): Promise<MaskRCNN> {
  const options: LoadOptions = {
    minSize: Number(metadata.min_size),
    maxSize: Number(metadata.max_size),
    boxScoreThresh: Number(metadata.box_score_thresh),
    boxNmsThresh: Number(metadata.box_nms_thresh),
    boxDetectionsPerImg: Number(metadata.box_detections_per_img),
  };
  if (metadata.architecture === 'nuclei') return nucleiModel(options);
  return syntheticModel(metadata.architecture as 'maskrcnn' | 'fasterrcnn', options);
}

function compare(golden: Golden, found: Awaited<ReturnType<MaskRCNN['detect']>>['detections']): void {
  const want = (what: string) => golden.tensor(`float64/${what}`).data;
  expect(found.map((detection) => detection.classIndex)).toEqual([...want('labels')]);
  const noise = (what: string) => Number(golden.metadata[`float32_noise_${what}`] ?? 0);
  const worst = {
    boxes: largest(
      found.flatMap((detection) => detection.box),
      want('boxes'),
    ),
    scores: largest(
      found.map((detection) => detection.score),
      want('scores'),
    ),
    masks: golden.has('float64/masks')
      ? largest(
          found.flatMap((detection) => [...detection.mask!.probabilities]),
          want('masks'),
        )
      : 0,
  };
  console.info(
    `worst: ${worst.boxes.toExponential(2)} px (float32 ${noise('boxes')}), ` +
      `${worst.scores.toExponential(2)} score (${noise('scores')}), ${worst.masks.toExponential(2)} mask (${noise('masks')})`,
  );
  for (const what of ['boxes', 'scores', 'masks'] as const) {
    expect(worst[what], what).toBeLessThanOrEqual(Math.max(NOISE_FACTOR * noise(what), FLOOR[what]));
  }
}

/** The largest difference of two lists of the same length. */
function largest(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let most = 0;
  for (let i = 0; i < got.length; i++) most = Math.max(most, Math.abs(got[i]! - want[i]!));
  return most;
}
