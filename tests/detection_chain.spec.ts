// The box head's chain, sort_candidates to gather_detections, against torchvision's algorithm written
// naively: the same detections in the same order.

import { expect, test } from 'vitest';
import { gatherDetections } from '../src/kernels/gather_detections';
import { f32, type Kernel, u32 } from '../src/kernels/kernel';
import { nmsMask } from '../src/kernels/nms_mask';
import { nmsOffset } from '../src/kernels/nms_offset';
import { nmsScan } from '../src/kernels/nms_scan';
import { sortCandidates } from '../src/kernels/sort_candidates';
import { topK } from '../src/kernels/top_k';
import { type HostTensor, runKernel } from './gpu';
import { indices, tensor, uniform } from './kernel_case';
import type { Box } from './reference/boxes';
import { type Detection, detect } from './reference/detections';

const IMAGE = { width: 1333, height: 800, minSize: 1e-2, scoreThreshold: 0.05 };
const NMS = { threshold: 0.5, trickLimit: 1000, most: 100 };

interface Scene {
  scores: HostTensor;
  regression: HostTensor;
  proposals: HostTensor;
  count: number;
}

/**
 * Objects, with many proposals around each that lean to its class. Without `deltas` decoding is exact,
 * so that even a shift by 121,060 pixels must round the same way on every GPU.
 */
function scene(seed: number, R: number, K: number, { deltas = 0, count = R, confident = 0.5 } = {}): Scene {
  const next = uniform(seed);
  const objects = Array.from({ length: 25 }, () => ({
    x: next() * 1250,
    y: next() * 720,
    w: 30 + next() * 200,
    h: 30 + next() * 200,
    label: 1 + Math.floor(next() * (K - 1)),
  }));
  const quarter = (v: number) => Math.round(4 * v) / 4;
  const scores: number[] = [];
  const proposals: number[] = [];
  for (let row = 0; row < R; row++) {
    const { x, y, w, h, label } = objects[Math.floor(next() * objects.length)]!;
    const [dx, dy] = [0.3 * w * (next() - 0.5), 0.3 * h * (next() - 0.5)];
    proposals.push(...[x + dx, y + dy, x + dx + w * (0.8 + 0.4 * next()), y + dy + h].map(quarter));
    for (let k = 0; k < K; k++) scores.push(k === label || next() < confident / K ? next() : 0.04 * next());
  }
  return {
    scores: tensor([R, K], scores),
    regression: tensor(
      [R, 4 * K],
      Array.from({ length: R * 4 * K }, () => deltas * (2 * next() - 1)),
    ),
    proposals: tensor([R, 4], proposals),
    count,
  };
}

async function run<I, A>(kernel: Kernel<I, A>, inputs: Record<string, HostTensor>, attributes: A) {
  const data = await runKernel(kernel, inputs, attributes);
  const { outputs } = kernel.dispatch(inputs as I, attributes);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, spec]) => [name, { ...spec, data: data[name]! }]),
  ) as Record<string, HostTensor>;
}

async function detectOnGpu({ scores, regression, proposals, count }: Scene): Promise<Detection[]> {
  const inputs = { scores, regression, proposals, count: indices([1], [count]) };
  const { boxes, candidates } = (await run(sortCandidates, inputs, IMAGE)) as {
    [name: string]: HostTensor;
  } & {
    boxes: HostTensor;
    candidates: HostTensor;
  };
  const groups = { boxes, scores: candidates };
  const { offsets, extents } = await run(nmsOffset, groups, { firstGroup: 1, trickLimit: NMS.trickLimit });
  const { mask } = await run(
    nmsMask,
    { boxes, offsets: offsets!, extents: extents! },
    { threshold: NMS.threshold },
  );
  const { kept } = await run(nmsScan, { mask: mask!, scores: candidates, extents: extents! }, {});
  const all = indices([1, 2], [0, kept!.data.length]);
  const best = await run(topK, { values: kept!, segments: all }, { k: NMS.most });
  const chosen = { indices: best.indices!, top: best.top!, boxes };
  const out = await run(gatherDetections, chosen, { activation: 'none', firstGroup: 1 });
  return Array.from({ length: out.count!.data[0]! }, (_, i) => ({
    box: Array.from(out.detections!.data.subarray(4 * i, 4 * i + 4)) as Box,
    score: out.scores!.data[i]!,
    label: out.labels!.data[i]!,
  }));
}

const trick = [1, 2, 3, 4, 5, 6];
const scenes: [what: string, scene: Scene][] = [
  ...trick.map((seed): [string, Scene] => [`shifted groups, seed ${seed}`, scene(seed, 300, 91)]),
  ...trick.map((seed): [string, Scene] => [
    `decoded boxes, seed ${seed}`,
    scene(seed, 300, 91, { deltas: 1 }),
  ]),
  ['1000 proposals, more boxes than the shift is for', scene(7, 1000, 91, { confident: 2 })],
  ['1000 proposals, decoded', scene(8, 1000, 91, { confident: 2, deltas: 1 })],
  ['two classes, all in one group', scene(9, 1000, 2)],
  ['some proposals count', scene(10, 200, 21, { count: 77 })],
  ['no proposal counts', scene(11, 200, 21, { count: 0 })],
];

test.each(scenes)('%s', async (_, of) => {
  const got = await detectOnGpu(of);
  const data = { scores: of.scores.data, regression: of.regression.data, proposals: of.proposals.data };
  const want = detect(data, of.scores.shape[1]!, of.count, IMAGE, NMS);
  const order = (found: Detection[]) => found.map(({ label, score }) => ({ label, score }));
  expect(order(got)).toEqual(order(want));
  const errors = got.flatMap(({ box }, i) => box.map((v, k) => Math.abs(v - want[i]!.box[k]!)));
  expect(Math.max(0, ...errors)).toBeLessThan(2e-3);
});

test('the reference is not trivial', () => {
  const { scores, regression, proposals, count } = scene(1, 300, 91);
  const data = { scores: scores.data, regression: regression.data, proposals: proposals.data };
  const found = detect(data, 91, count, IMAGE, NMS);
  expect(found.length).toBeGreaterThan(40);
});

test('capacities beyond 8192, of the box head beyond 1024, are refused by name', () => {
  const [values, segments] = [f32(5000), u32(1, 2)];
  expect(() => topK.dispatch({ values, segments }, { k: 8193 })).toThrow(/top_k: wanted k of 1 to 8192/);
  const heads = { scores: f32(1025, 3), regression: f32(1025, 12), proposals: f32(1025, 4), count: u32(1) };
  expect(() => sortCandidates.dispatch(heads, IMAGE)).toThrow(/at most 1024 proposals; got 1025/);
  const group = { mask: u32(1, 8193, 257), scores: f32(1, 8193), extents: u32(1) };
  expect(() => nmsScan.dispatch(group, {})).toThrow(/at most 8192 boxes a group; got 8193/);
});
