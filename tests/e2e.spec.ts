// From pixels to detections, against torchvision run in float64. torchvision's own float32 run, stored beside
// it, says how much rounding alone may move a result; we may depart four times as far.

import { afterAll, describe, expect, test } from 'vitest';
import type { Detection } from '../src/detection';
import type { LoadOptions } from '../src/load';
import type { MaskRCNN } from '../src/mask_rcnn';
import { inOrderOf, largest } from './compare_detections';
import { nucleiModel, picture, syntheticModel } from './engine';
import { type Golden, readGolden } from './golden_file';

const CASES = [
  'astronaut',
  'coffee',
  'strip',
  'pixel',
  'none',
  'one',
  'hundred',
  'faster',
  'levels',
  'nuclei',
];

/** How far we may be from float64, as a multiple of the distance of torchvision's float32 run. */
const NOISE_FACTOR = 4;
for (const name of CASES) {
  describe(name, () => {
    const golden = readGolden(`e2e_${name}`);
    let model: MaskRCNN | undefined;
    afterAll(() => model?.destroy());

    test('as torchvision in float64', async () => {
      model = await modelFor(golden);
      const { detections } = await model.detect(await picture(golden.metadata.image!));
      compare(golden, detections);
    }, 300_000);

    test.runIf(name === 'one' || name === 'coffee')(
      'twice the same, to the bit',
      async () => {
        const image = await picture(golden.metadata.image!);
        const [a, b] = [await model!.detect(image), await model!.detect(image)];
        expect(b.detections).toEqual(a.detections);
      },
      300_000,
    );
  });
}

function modelFor({ metadata }: Golden): Promise<MaskRCNN> {
  const number = (key: string) => (metadata[key] === undefined ? undefined : Number(metadata[key]));
  const options: LoadOptions = {
    minSize: number('min_size'),
    maxSize: number('max_size'),
    boxScoreThresh: number('box_score_thresh'),
    boxNmsThresh: number('box_nms_thresh'),
    boxDetectionsPerImg: number('box_detections_per_img'),
    rpnPreNmsTopN: number('rpn_pre_nms_top_n'),
    rpnPostNmsTopN: number('rpn_post_nms_top_n'),
  };
  if (metadata.architecture === 'nuclei') return nucleiModel(options);
  return syntheticModel(metadata.architecture as 'maskrcnn' | 'fasterrcnn', options);
}

function compare(golden: Golden, found: readonly Detection[]): void {
  const want = (what: string) => golden.tensor(`float64/${what}`).data;
  const noise = (what: string) => Number(golden.metadata[`float32_noise_${what}`] ?? 0);
  const allowed = (what: string) => NOISE_FACTOR * noise(what);
  expect(found.length, 'nothing missing, nothing extra').toBe(want('labels').length);

  const ours = inOrderOf(want('scores'), want('labels'), want('boxes'), found, allowed('scores'));
  expect(ours.map((detection) => detection.classIndex)).toEqual([...want('labels')]);
  const worst = {
    boxes: largest(
      ours.flatMap((detection) => detection.box),
      want('boxes'),
    ),
    scores: largest(
      ours.map((detection) => detection.score),
      want('scores'),
    ),
    masks: golden.has('float64/masks')
      ? largest(
          ours.flatMap((detection) => [...detection.mask!.probabilities]),
          want('masks'),
        )
      : 0,
  };
  const report = (what: keyof typeof worst) =>
    `${what} ${worst[what].toExponential(2)} (torch's float32: ${noise(what).toExponential(2)})`;
  console.info(`${found.length} found; worst: ${report('boxes')}, ${report('scores')}, ${report('masks')}`);
  for (const what of ['boxes', 'scores', 'masks'] as const) {
    expect(worst[what], what).toBeLessThanOrEqual(allowed(what));
  }
}
