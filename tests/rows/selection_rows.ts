// Rows of the kernels that score and select.

import { sigmoid } from '../../src/kernels/sigmoid';
import { softmax } from '../../src/kernels/softmax';
import { topK } from '../../src/kernels/top_k';
import { EXACT, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as selection from '../reference/selection';

const { NONE } = selection;

function softmaxRow(what: string, input: ReturnType<typeof tensor>, count?: number): KernelCase {
  return kernelCase({
    what,
    kernel: softmax,
    inputs: { input, count: count === undefined ? undefined : indices([1], [count]) },
    attributes: {},
    reference: () => ({ output: selection.softmax(input, count) }),
    tolerance: { atol: 1e-7, rtol: 1e-5 },
  });
}

const extremes = [
  Number.NaN,
  1,
  2,
  -Infinity,
  1000,
  -1000,
  0,
  5,
  Infinity,
  Number.NaN,
  Number.NaN,
  Number.NaN,
];

const softmaxRows = [
  softmaxRow('91 classes of 1000 proposals', random([1000, 91])),
  softmaxRow('one class', random([5, 1])),
  softmaxRow('no row counts', random([5, 3]), 0),
  softmaxRow('some rows count', random([100, 4]), 65),
  softmaxRow('all rows count', random([5, 4]), 5),
  softmaxRow('NaN and numbers of any size', tensor([4, 3], extremes)),
];

function sigmoidRow(what: string, input: ReturnType<typeof tensor>): KernelCase {
  return kernelCase({
    what,
    kernel: sigmoid,
    inputs: { input },
    attributes: {},
    reference: () => ({ output: Float64Array.from(input.data, selection.sigmoid) }),
    tolerance: { atol: 1e-7, rtol: 1e-5 },
  });
}

const sigmoidRows = [
  sigmoidRow('one level of logits', random([1, 200, 272, 3])),
  sigmoidRow('saturated', tensor([6], [-1000, -100, -17, 17, 100, 3e38])),
];

function topKRow(
  what: string,
  values: ReturnType<typeof tensor>,
  segments: number[][],
  k: number,
): KernelCase {
  const table = indices([segments.length, 2], segments.flat());
  return kernelCase({
    what,
    kernel: topK,
    inputs: { values, segments: table },
    attributes: { k },
    reference: () => selection.topK(values.data, table.data, k),
    tolerance: EXACT,
  });
}

function repeated(length: number, value: (i: number) => number): ReturnType<typeof tensor> {
  return tensor(
    [length],
    Array.from({ length }, (_, i) => value(i)),
  );
}

/** Sums of uniform numbers: bunched as logits are, with no ties to speak of. */
function logits(length: number, seed: number): ReturnType<typeof tensor> {
  const next = uniform(seed);
  return repeated(length, () => 3 * (next() + next() + next() + next()) - 9);
}

/** Anchors of each level of an 800 x 1088 canvas. */
export const pyramid = [200 * 272 * 3, 100 * 136 * 3, 50 * 68 * 3, 25 * 34 * 3, 13 * 17 * 3];
export const pyramidSegments = pyramid.map((length, i) => [
  pyramid.slice(0, i).reduce((a, b) => a + b, 0),
  length,
]);
const rareScores = uniform(5);

const topKRows = [
  topKRow('1000 of each level of an 800 x 1088 canvas', logits(217_413, 1), pyramidSegments, 1000),
  topKRow(
    '100 of 90 classes, most of it NONE',
    repeated(90_000, () => {
      const x = rareScores();
      return x < 0.01 ? 100 * x : NONE;
    }),
    [[0, 90_000]],
    100,
  ),
  topKRow('1024 of 300,000', logits(300_000, 2), [[0, 300_000]], 1024),
  topKRow('3000 of 8100: three runs', logits(8100, 7), [[0, 8100]], 3000),
  topKRow(
    '1025 of 2000 and of 500',
    logits(2500, 8),
    [
      [0, 2000],
      [2000, 500],
    ],
    1025,
  ),
  topKRow('8192, more than there are', logits(5000, 9), [[0, 5000]], 8192),
  topKRow('2048 of exactly 2048', logits(2048, 10), [[0, 2048]], 2048),
  topKRow(
    '2000 of 20,000, tied across runs',
    repeated(20_000, (i) => i % 3),
    [[0, 20_000]],
    2000,
  ),
  topKRow(
    '3000 places for 1024 scores',
    repeated(9000, (i) => (i < 1024 ? i : NONE)),
    [[0, 9000]],
    3000,
  ),
  topKRow('the one greatest', logits(5000, 3), [[0, 5000]], 1),
  topKRow(
    'k greater than the length',
    logits(70, 4),
    [
      [0, 30],
      [30, 40],
    ],
    100,
  ),
  topKRow('exactly k', logits(1500, 5), [[100, 1000]], 1000),
  topKRow(
    'an empty segment',
    logits(50, 6),
    [
      [10, 0],
      [10, 5],
    ],
    4,
  ),
  topKRow(
    'all tied',
    repeated(70_000, () => 17),
    [[3, 69_990]],
    1000,
  ),
  topKRow(
    'ties across the cut',
    repeated(20_000, (i) => (i % 7) - 3),
    [[0, 20_000]],
    1000,
  ),
  topKRow(
    'ties of zeros of both signs',
    repeated(3000, (i) => (i % 2 ? 0 : -0)),
    [[0, 3000]],
    100,
  ),
  topKRow(
    'NaN, infinities and NONE among the values',
    repeated(3000, (i) =>
      i % 3 === 0 ? Number.NaN : i % 50 === 1 ? 3e38 : i % 50 === 2 ? -Infinity : i % 5 === 0 ? NONE : -i,
    ),
    [
      [0, 3000],
      [0, 20],
    ],
    1000,
  ),
  topKRow(
    'nothing but NaN and NONE',
    repeated(3000, (i) => (i % 2 ? Number.NaN : NONE)),
    [[0, 3000]],
    10,
  ),
  topKRow(
    'fewer scores than k in a long segment',
    repeated(5000, (i) => (i % 10 ? NONE : i)),
    [[0, 5000]],
    1000,
  ),
];

export const selectionRows: KernelCase[] = [...softmaxRows, ...sigmoidRows, ...topKRows];
