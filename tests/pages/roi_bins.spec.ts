// Where the page Explore says that ROIAlign and ROI Pool look, against what the two kernels compute.

import { expect, test } from 'vitest';
import { boxAt } from '../../demo/explore/logic/boxes';
import { alignBin, alignValue, levelOf, sampleAt } from '../../demo/explore/logic/roi_align';
import { poolBin, poolRegion, poolValue } from '../../demo/explore/logic/roi_pool';
import { roiAlign } from '../../src/kernels/roi_align';
import { roiPool } from '../../src/kernels/roi_pool';
import { levelCuts } from '../../src/model/levels';
import { runKernel } from '../gpu';
import { indices, random, tensor } from '../kernel_case';

const CHANNELS = 4;
const SCALES = [1 / 4, 1 / 8, 1 / 16, 1 / 32];
const CUTS = levelCuts(2, 5);
const [HEIGHT, WIDTH] = [640, 800];
const maps = SCALES.map((scale, i) => ({
  height: HEIGHT * scale,
  width: WIDTH * scale,
  scale,
  ...values(i),
}));

function values(i: number) {
  return random([1, HEIGHT * SCALES[i]!, WIDTH * SCALES[i]!, CHANNELS], i + 1);
}

/** Boxes on all levels; some smaller than a cell, empty, at borders, and half outside. */
const BOXES = [
  [10.3, 20.7, 61.2, 55.9],
  [100, 100, 101.5, 101.2],
  [7, 7, 7, 7],
  [300.4, 200.2, 470.9, 361.1],
  [-40, -31, 90, 70],
  [700.5, 500.5, 830, 690],
  [0, 0, 799.99, 639.5],
  [123.456, 65.4321, 431.2, 600.9],
  [64, 64, 128, 128],
];
const boxes = tensor([BOXES.length, 4], BOXES.flat());
const inputs = {
  ...Object.fromEntries(maps.map(({ shape, data, dtype }, i) => [`level${i}`, { shape, data, dtype }])),
  boxes,
  count: indices([1], [BOXES.length]),
};
const reader = (level: number, channel: number) => (y: number, x: number) =>
  maps[level]!.data[(y * maps[level]!.width + x) * CHANNELS + channel]!;

test.each([
  { bins: 7, samples: 2, aligned: false },
  { bins: 14, samples: 2, aligned: true },
  { bins: 5, samples: 0, aligned: false },
])('the samples of ROIAlign, %o', async ({ bins, samples, aligned }) => {
  const attributes = { pooled: bins, samples, aligned, scales: SCALES, cuts: CUTS };
  const { pooled } = await runKernel(roiAlign, inputs, attributes);
  const levels = new Set<number>();
  let worst = 0;
  for (let item = 0; item < pooled!.length; item++) {
    const channel = item % CHANNELS;
    const [x, y] = [Math.floor(item / CHANNELS) % bins, Math.floor(item / CHANNELS / bins) % bins];
    const box = boxAt(boxes.data, Math.floor(item / CHANNELS / bins / bins));
    const level = levelOf(box, CUTS);
    levels.add(level);
    const bin = alignBin(box, maps[level]!, { bins, samples, aligned }, y, x);
    worst = Math.max(worst, Math.abs(alignValue(bin, reader(level, channel)) - pooled![item]!));
  }
  expect(levels.size).toBe(4);
  expect(worst).toBeLessThan(1e-4); // values are within [-1, 1]; coordinates are float32, rounded as the GPU likes
});

test('the cells of ROI Pool', async () => {
  const bins = 7;
  const { pooled } = await runKernel(roiPool, inputs, { pooled: bins, scales: SCALES, cuts: CUTS });
  for (let item = 0; item < pooled!.length; item++) {
    const channel = item % CHANNELS;
    const [x, y] = [Math.floor(item / CHANNELS) % bins, Math.floor(item / CHANNELS / bins) % bins];
    const box = boxAt(boxes.data, Math.floor(item / CHANNELS / bins / bins));
    const level = levelOf(box, CUTS);
    const found = poolValue(poolBin(box, maps[level]!, bins, y, x), reader(level, channel));
    expect(found?.value ?? 0, `box ${box}, bin ${y} ${x}`).toBe(pooled![item]!);
    if (found) expect(reader(level, channel)(found.y, found.x)).toBe(found.value);
  }
  // all bins and channels of a region at once
  const size = bins * bins * CHANNELS;
  BOXES.forEach((_, i) => {
    const box = boxAt(boxes.data, i);
    const map = maps[levelOf(box, CUTS)]!;
    const { data } = poolRegion(box, map, bins, { shape: map.shape, data: map.data as Float32Array });
    expect([...data], `box ${box}`).toEqual([...pooled!.subarray(i * size, (i + 1) * size)]);
  });
});

test('weights of a sample sum to 1, at the borders too', () => {
  for (const [y, x] of [
    [0, 0],
    [2.25, 3.75],
    [-0.5, 6.9],
    [7, 7.5],
  ] as const) {
    const { taps, inside } = sampleAt(y, x, 8, 8);
    expect(inside).toBe(true);
    expect(taps.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    for (const tap of taps) expect(tap.y >= 0 && tap.y < 8 && tap.x >= 0 && tap.x < 8).toBe(true);
  }
  expect(sampleAt(-1.01, 0, 8, 8).inside).toBe(false);
  expect(sampleAt(0, 8.01, 8, 8).inside).toBe(false);
});
