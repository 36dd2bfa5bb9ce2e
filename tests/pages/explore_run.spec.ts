// The run that Explore shows: its tensors are those of `detect`, and all of them can be had afterwards.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExploreModel, type ExploreRun } from '../../demo/engine/explore_run';
import { fileSource } from '../../src/file_source';
import { nucleiModel, picture } from '../engine';
import { testDevice } from '../gpu';

const PICTURE = 'tests/images/nuclei_192x256.png';
const SMALL = { minSize: 128, rpnPostNmsTopN: 300, boxDetectionsPerImg: 30 };
let model: ExploreModel;
let run: ExploreRun;

beforeAll(async () => {
  model = await ExploreModel.load(fileSource('models/nuclei.safetensors'), { device: await testDevice() });
  run = await model.run(await picture(PICTURE), SMALL);
}, 120_000);

afterAll(() => {
  run.destroy();
  model.destroy();
});

test('every layer is one node', () => {
  const labels = run.info.nodes.map(({ label }) => label);
  expect(labels).toContain('backbone.body.layer1.0.conv1');
  expect(labels.filter((label) => label.includes('winograd'))).toEqual([]);
  expect(new Set(labels).size).toBe(labels.length);
});

test('tensors, detections and costs are those of detect', { timeout: 120_000 }, async () => {
  const labels = ['backbone.body.layer2.0.conv1', 'rpn.top_k.top', 'rpn.nms_scan', 'roi_heads.softmax'];
  const plain = await nucleiModel({ ...SMALL, algorithm: 'direct' });
  const found = await plain.detect(await picture(PICTURE), { tensors: labels, profile: true });
  for (const label of labels) {
    const { shape, data } = await run.tensor(label);
    expect(shape).toEqual(found.tensors![label]!.shape);
    expect(data).toEqual(found.tensors![label]!.data);
  }
  expect(run.info.found.map(({ box, score, label }) => ({ box, score, label }))).toEqual(
    found.detections.map(({ box, score, label }) => ({ box, score, label })),
  );
  expect(run.info.nodes.map(({ macs, bytes }) => ({ macs, bytes }))).toEqual(
    found.profile!.nodes.map(({ macs, bytes }) => ({ macs, bytes })),
  );
  plain.destroy();
});

test('weights, constants and the shader of a node can be had', async () => {
  const stem = run.info.nodes.findIndex(({ label }) => label === 'backbone.body.conv1');
  const weight = run.info.nodes[stem]!.inputs.find(({ name }) => name === 'weight')!;
  expect((await run.tensor(weight.label)).shape).toEqual([1, 7, 7, 4, 48]);
  expect((await run.tensor('backbone.body.conv1.bias')).data.length).toBeGreaterThanOrEqual(48);
  expect((await run.tensor('rpn.cells')).shape).toEqual([4, 3, 4]);
  expect(run.wgsl(stem)).toContain('fn conv2d');
  await expect(run.tensor('nothing')).rejects.toThrow("'nothing'");
});
