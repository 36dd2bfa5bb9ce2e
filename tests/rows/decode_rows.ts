// Rows of the kernels that decode boxes: of the RPN, and of the box head.

import { decodeProposals } from '../../src/kernels/decode_proposals';
import { sortCandidates } from '../../src/kernels/sort_candidates';
import { cellAnchors } from '../../src/model/anchors';
import { indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as boxes from '../reference/boxes';
import { NO_INDEX, NONE } from '../reference/selection';
import { pyramid, pyramidSegments } from './selection_rows';

/** A relative error of exp's 3 + 2 |x| ULP, on sides of up to 2000 pixels. */
const PIXELS = { atol: 2e-3, rtol: 2e-6 };

// 96 x 128 in a canvas of 96 x 128: levels of 6 x 8 and 3 x 4 cells, three anchors each
const grids = [
  { height: 6, width: 8, size: 32 },
  { height: 3, width: 4, size: 64 },
];
const smallLevels = indices([2, 4], [0, 8, 16, 16, 6 * 8 * 3, 4, 32, 32]);
const smallCells = tensor(
  [2, 3, 4],
  grids.flatMap(({ size }) => [...cellAnchors([size], [0.5, 1, 2])]),
);
const smallAnchors = (6 * 8 + 3 * 4) * 3;

interface ProposalRow {
  indices?: number[];
  top?: number[];
  /** Of each number. */
  deltas?: (delta: number, i: number) => number;
  image?: Partial<boxes.Image>;
}

function proposalsRow(what: string, row: ProposalRow): KernelCase {
  const N = (row.indices?.length ?? 60) / 2;
  const order = row.indices ?? Array.from({ length: 60 }, (_, i) => (i < 30 ? (i * 37) % 144 : (i * 7) % 36));
  const given = random([smallAnchors, 4], 3);
  const deltas = row.deltas ? tensor(given.shape as number[], Array.from(given.data, row.deltas)) : given;
  const image = { width: 120, height: 96, minSize: 1e-3, scoreThreshold: 0, ...row.image };
  const inputs = {
    indices: indices([2, N], order),
    top: tensor([2, N], row.top ?? order.map((index, i) => (index === NO_INDEX ? NONE : 3 - i / 10))),
    deltas,
    levels: smallLevels,
    cells: smallCells,
  };
  const data = Object.fromEntries(Object.entries(inputs).map(([name, { data: values }]) => [name, values]));
  return kernelCase({
    what,
    kernel: decodeProposals,
    inputs,
    attributes: image,
    reference: () => boxes.decodeProposals(data as never, N, 3, image),
    tolerance: PIXELS,
  });
}

function canvasProposals(): KernelCase {
  const next = uniform(8);
  const widths = [272, 136, 68, 34, 17];
  const strides = [
    [4, 4],
    [8, 8],
    [16, 16],
    [32, 32],
    [61, 64],
  ];
  const image = { width: 1066, height: 800, minSize: 1e-3, scoreThreshold: 0 };
  const inputs = {
    indices: indices(
      [5, 1000],
      pyramid.flatMap((length) =>
        Array.from({ length: 1000 }, (_, i) => (i < length ? Math.floor(next() * length) : NO_INDEX)),
      ),
    ),
    top: tensor(
      [5, 1000],
      pyramid.flatMap((length) => Array.from({ length: 1000 }, (_, i) => (i < length ? 5 - i / 100 : NONE))),
    ),
    deltas: random([217_413, 4], 9),
    levels: indices(
      [5, 4],
      widths.flatMap((width, i) => [pyramidSegments[i]![0]!, width, ...strides[i]!]),
    ),
    cells: tensor(
      [5, 3, 4],
      [32, 64, 128, 256, 512].flatMap((size) => [...cellAnchors([size], [0.5, 1, 2])]),
    ),
  };
  const data = Object.fromEntries(Object.entries(inputs).map(([name, { data: values }]) => [name, values]));
  return kernelCase({
    what: '1000 of each level of an 800 x 1088 canvas',
    kernel: decodeProposals,
    inputs,
    attributes: image,
    reference: () => boxes.decodeProposals(data as never, 1000, 3, image),
    tolerance: PIXELS,
  });
}

const proposalsRows = [
  canvasProposals(),
  proposalsRow('two small levels, unpadded width below the canvas', {}),
  proposalsRow('no anchor at all', { indices: Array(8).fill(NO_INDEX) }),
  proposalsRow('a NaN logit', { indices: [5, 6, 7, 8], top: [1, Number.NaN, 2, 1] }),
  proposalsRow('boxes without change, on the borders', { deltas: () => 0 }),
  proposalsRow('sides clamped to 62.5 times', {
    deltas: () => 5,
    image: { width: 6000, height: 6000 },
  }),
  proposalsRow('all beyond the right border', {
    deltas: (_, i) => (i % 4 ? 0 : 50),
  }),
  proposalsRow('all too narrow', { deltas: (_, i) => (i % 4 === 2 ? -12 : 0) }),
  proposalsRow('NaN and infinite deltas', {
    deltas: (d, i) => (i % 5 ? d : [Number.NaN, Infinity, -Infinity, 3e38][i % 4]!),
  }),
  proposalsRow('a score threshold of 0.6', { image: { scoreThreshold: 0.6 } }),
  proposalsRow('inclusive boxes', { image: { inclusive: true, minSize: 0 } }),
  proposalsRow('inclusive boxes of 20 pixels and more', { image: { inclusive: true, minSize: 20 } }),
];

interface CandidateRow {
  R?: number;
  K?: number;
  count?: number;
  scores?: (row: number, label: number) => number;
  deltas?: number;
  /** Sides in pixels are up to this. */
  size?: number;
  image?: Partial<boxes.Image>;
}

function candidatesRow(what: string, row: CandidateRow): KernelCase {
  const { R = 100, K = 5, count = R, size = 100 } = row;
  const next = uniform(R * 31 + K);
  const image = { width: 640, height: 480, minSize: 1e-2, scoreThreshold: 0.05, ...row.image };
  const score = row.scores ?? (() => next() ** 8);
  const inputs = {
    scores: tensor(
      [R, K],
      Array.from({ length: R * K }, (_, i) => score(Math.floor(i / K), i % K)),
    ),
    regression: tensor(
      [R, 4 * K],
      random([R, 4 * K], 4).data.map((d) => d * (row.deltas ?? 2)),
    ),
    proposals: tensor(
      [R, 4],
      Array.from({ length: R }, () => {
        const [x, y] = [next() * 600, next() * 440];
        return [x, y, x + next() * size, y + next() * size];
      }).flat(),
    ),
    count: indices([1], [count]),
  };
  return kernelCase({
    what,
    kernel: sortCandidates,
    inputs,
    attributes: image,
    reference: () =>
      boxes.sortCandidates(
        { scores: inputs.scores.data, regression: inputs.regression.data, proposals: inputs.proposals.data },
        K,
        count,
        image,
      ),
    tolerance: PIXELS,
  });
}

const candidatesRows = [
  candidatesRow('91 classes of 1000 proposals', { R: 1000, K: 91 }),
  candidatesRow('all 1024 pass, two classes', {
    R: 1024,
    K: 3,
    scores: (row) => 0.1 + ((row * 37) % 1024) / 2048,
  }),
  candidatesRow('one proposal', { R: 1, scores: () => 0.9 }),
  candidatesRow('no proposal counts', { count: 0 }),
  candidatesRow('some proposals count', { count: 33 }),
  candidatesRow('a count beyond the capacity', { count: 2000 }),
  candidatesRow('all tied', { R: 300, scores: () => 0.25 }),
  candidatesRow('NaN among the scores', { scores: (row, label) => ((row + label) % 3 ? 0.5 : Number.NaN) }),
  candidatesRow('scores equal to the threshold', {
    scores: (row) => (row % 2 ? Math.fround(0.05) : 0.05000001),
  }),
  candidatesRow('boxes beyond the borders', { deltas: 40 }),
  candidatesRow('inclusive, decoded in pixels of a larger picture', {
    image: { width: 853, height: 640, scale: 0.75, inclusive: true, minSize: 0 },
    deltas: 10,
  }),
  candidatesRow('boxes too small', { scores: () => 0.9, size: 0.02, deltas: 0 }),
  candidatesRow('background does not count', { scores: (_, label) => (label ? 0 : 1) }),
];

export const decodeRows: KernelCase[] = [...proposalsRows, ...candidatesRows];
