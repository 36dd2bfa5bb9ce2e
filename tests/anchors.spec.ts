// The anchors of torchvision's AnchorGenerator: rounded halves to even, strides from integer division.

import { expect, test } from 'vitest';
import { cellAnchors, gridStrides } from '../src/model/anchors';

const RATIOS = [0.5, 1, 2];

test.each([
  [32, [-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]],
  [64, [-45, -23, 45, 23], [-32, -32, 32, 32], [-23, -45, 23, 45]],
  [128, [-91, -45, 91, 45], [-64, -64, 64, 64], [-45, -91, 45, 91]],
  [256, [-181, -91, 181, 91], [-128, -128, 128, 128], [-91, -181, 91, 181]],
  [512, [-362, -181, 362, 181], [-256, -256, 256, 256], [-181, -362, 181, 362]],
])('cell anchors of size %i', (size, ...anchors) => {
  expect([...cellAnchors([size], RATIOS)]).toEqual(anchors.flat());
});

test.each([
  [33, 16],
  [23, 12],
  [21, 10],
])('half of %i rounds to %i, the even neighbour', (size, half) => {
  expect([...cellAnchors([size], [1])]).toEqual([-half, -half, half, half]);
});

test('several sizes: all of a ratio, then the next', () => {
  expect([...cellAnchors([32, 64], [0.5, 1])]).toEqual([
    ...cellAnchors([32], [0.5]),
    ...cellAnchors([64], [0.5]),
    ...cellAnchors([32], [1]),
    ...cellAnchors([64], [1]),
  ]);
});

test.each([
  [
    [800, 1088],
    [200, 272],
    [4, 4],
  ],
  [
    [800, 1088],
    [13, 17],
    [61, 64],
  ],
  [
    [800, 1344],
    [13, 21],
    [61, 64],
  ],
  [
    [768, 1344],
    [12, 21],
    [64, 64],
  ],
  [
    [800, 800],
    [13, 13],
    [61, 61],
  ],
  [
    [224, 224],
    [4, 4],
    [56, 56],
  ],
] as [[number, number], [number, number], [number, number]][])(
  'strides of %j on %j',
  (padded, grid, strides) => {
    expect(gridStrides(padded, grid)).toEqual(strides);
  },
);

test.each([
  [32, 4, [-22, -10, 25, 13], [-14, -14, 17, 17], [-10, -22, 13, 25]],
  [64, 8, [-40, -20, 47, 27], [-28, -28, 35, 35], [-20, -44, 27, 51]],
  [128, 16, [-84, -40, 99, 55], [-56, -56, 71, 71], [-36, -80, 51, 95]],
  [256, 32, [-164, -72, 195, 103], [-112, -112, 143, 143], [-76, -168, 107, 199]],
  [512, 64, [-332, -152, 395, 215], [-224, -224, 287, 287], [-148, -328, 211, 391]],
])("maskrcnn-benchmark's of size %i, stride %i", (size, stride, ...anchors) => {
  expect([...cellAnchors([size], RATIOS, 'legacy', stride)]).toEqual(anchors.flat());
});

test("detectron2's are not rounded", () => {
  const wide = [-22.627417, -11.3137085, 22.627417, 11.3137085].map(Math.fround);
  expect([...cellAnchors([32], [0.5, 1], 'none')]).toEqual([...wide, -16, -16, 16, 16]);
});
