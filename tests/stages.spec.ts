// RPN, box head and mask head against torchvision, each stage fed with torchvision's own inputs: features, then
// proposals, then detections.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Loaded, loadParts } from '../src/load';
import { detectBoxes, predictMasks } from '../src/model/roi_heads';
import { proposeRegions } from '../src/model/rpn';
import { canvasSize } from '../src/model/transform';
import { largest } from './compare_detections';
import { readGolden } from './golden_file';
import { testDevice } from './gpu';
import { inChannelsLast, Stage } from './stage';
import { syntheticWeights } from './synthetic_weights';

const golden = readGolden('stages');
const features = readGolden('stages_features');
const [height, width] = JSON.parse(golden.metadata.resized!) as [number, number];
const resized = { height, width };
const LEVELS = ['p2', 'p3', 'p4', 'p5', 'p6'];

/** px; as the issue asks: boxes within 0.02 px, scores within 1e-5, probabilities within 1e-4 */
const BOX = 0.02;
const SCORE = 1e-5;
const PROBABILITY = 1e-4;
/** Of the largest value. */
const FEATURE = 1e-5;

let model: Loaded;

beforeAll(async () => {
  const { metadata } = golden;
  model = await loadParts(syntheticWeights('maskrcnn'), {
    device: await testDevice(),
    minSize: Number(metadata.min_size),
    maxSize: Number(metadata.max_size),
    rpnPostNmsTopN: Number(metadata.rpn_post_nms_top_n_test),
    boxScoreThresh: Number(metadata.box_score_thresh),
    boxDetectionsPerImg: Number(metadata.box_detections_per_img),
  });
}, 300_000);

afterAll(() => {
  for (const buffer of model?.weights.values() ?? []) buffer.destroy();
});

const pyramidOf = (stage: Stage) => stage.pyramid(LEVELS.map((level) => features.floats(level)));

test('rpn: features to proposals', async () => {
  const stage = new Stage(model);
  const found = proposeRegions(
    stage.g.scope('rpn'),
    pyramidOf(stage),
    resized,
    canvasSize(height, width),
    model.config,
  );
  const maps = LEVELS.flatMap((level) => [`rpn.head.cls_logits@${level}`, `rpn.head.bbox_pred@${level}`]);
  const asked = Object.fromEntries(maps.map((label) => [label, stage.graph.find(label)]));
  const got = await stage.run({ ...found, ...asked });
  for (const level of LEVELS) {
    for (const [ours, theirs] of [
      ['cls_logits', 'rpn_logits'],
      ['bbox_pred', 'rpn_deltas'],
    ]) {
      const want = golden.floats(`${theirs}/${level}`).data;
      const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest(got[`rpn.head.${ours}@${level}`]!.data, want), `${theirs} ${level}`).toBeLessThan(
        1e-4 * scale,
      );
    }
  }
  const proposals = golden.floats('proposals');
  expect(got.count!.data[0]).toBe(proposals.shape[0]);
  expect(largest(got.boxes!.data, proposals.data)).toBeLessThan(BOX);
  expect(largest(got.scores!.data, golden.floats('proposal_scores').data)).toBeLessThan(SCORE);
});

test('box head: features and proposals to detections', async () => {
  const stage = new Stage(model);
  const pyramid = pyramidOf(stage).slice(0, 4);
  const heads = stage.g.scope('roi_heads');
  const found = detectBoxes(heads, pyramid, stage.boxes(golden.floats('proposals')), resized, model.config);
  const got = await stage.run({
    ...found,
    hidden: stage.graph.find('roi_heads.box_head.fc7'),
    logits: stage.graph.find('roi_heads.box_predictor.cls_score'),
    regression: stage.graph.find('roi_heads.box_predictor.bbox_pred'),
  });
  const { samples, indices, stats } = golden.summary('box_hidden');
  const hidden = indices.map((index) => got.hidden!.data[index]!);
  expect(largest(hidden, samples)).toBeLessThan(FEATURE * stats[0]!);
  for (const [ours, theirs] of [
    ['logits', 'class_logits'],
    ['regression', 'box_regression'],
  ]) {
    const want = golden.floats(theirs!).data;
    const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest(got[ours!]!.data, want), theirs).toBeLessThan(FEATURE * scale);
  }
  expect(got.count!.data[0]).toBe(golden.tensor('detections/labels').shape[0]);
  expect([...got.labels!.data]).toEqual([...golden.tensor('detections/labels').data]);
  expect(largest(got.boxes!.data, golden.floats('detections/boxes').data)).toBeLessThan(BOX);
  expect(largest(got.scores!.data, golden.floats('detections/scores').data)).toBeLessThan(SCORE);
});

test('mask head: features and detections to masks', async () => {
  const stage = new Stage(model);
  const pyramid = pyramidOf(stage).slice(0, 4);
  const detections = stage.boxes(golden.floats('detections/boxes'), golden.tensor('detections/labels').data);
  const probabilities = predictMasks(stage.g.scope('roi_heads'), pyramid, detections, resized, model.config);
  const logits = stage.graph.find('roi_heads.mask_predictor.mask_fcn_logits');
  const got = await stage.run({ probabilities, logits });
  const { shape, samples, indices, stats } = golden.summary('mask_logits');
  const ours = indices.map((index) => got.logits!.data[inChannelsLast(index, shape)]!);
  expect(largest(ours, samples)).toBeLessThan(FEATURE * stats[0]!);
  expect(largest(got.probabilities!.data, golden.floats('mask_probabilities').data)).toBeLessThan(
    PROBABILITY,
  );
});
