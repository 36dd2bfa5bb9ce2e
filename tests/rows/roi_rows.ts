// Rows of roi_align and roi_pool.

import { roiAlign } from '../../src/kernels/roi_align';
import { roiPool } from '../../src/kernels/roi_pool';
import { LEVELLINGS, levelCuts } from '../../src/model/levels';
import type { HostTensor } from '../gpu';
import { CLOSE, EXACT, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as reference from '../reference/roi';

/** Boxes of 56 pixels begin level 4: small maps do. */
const SMALL = { ...LEVELLINGS.torchvision, size: 56 };

interface RoiRow {
  levels: HostTensor[];
  boxes: HostTensor;
  count?: number;
  /** Only boxes from this on are compared. */
  first?: number;
  pooled: number;
  scales: number[];
  cuts?: number[];
  /** Numbers worked out elsewhere; without, the reference's. */
  want?: number[];
}

interface AlignRow extends RoiRow {
  samples: number;
  aligned: boolean;
  end?: number;
  inclusive?: boolean;
}

function inputsOf({ levels, boxes, count = boxes.shape[0]! }: RoiRow): Record<string, HostTensor> {
  const maps = Object.fromEntries(levels.map((map, i) => [`level${i}`, map]));
  return { ...maps, boxes, count: indices([1], [count]) };
}

function offsetOf(levels: readonly HostTensor[], level: number): number {
  return levels.slice(0, level).reduce((sum, { data }) => sum + data.length, 0);
}

/** All levels in one tensor. */
function mergedInputs(row: RoiRow): Record<string, HostTensor> {
  const data = Float32Array.from(row.levels.flatMap((level) => [...level.data]));
  return inputsOf({ ...row, levels: [{ shape: [data.length], dtype: 'f32', data }] });
}

function alignRow(what: string, row: AlignRow, merged = false): KernelCase {
  const { samples, aligned, pooled, scales, cuts = [], count = row.boxes.shape[0]!, end, inclusive } = row;
  return kernelCase({
    what,
    kernel: roiAlign,
    inputs: merged ? mergedInputs(row) : inputsOf(row),
    attributes: {
      ...{ samples, aligned, pooled, scales, cuts, end, inclusive: inclusive ?? false },
      merged: merged
        ? row.levels.map(({ shape }, i) => ({ shape, offset: offsetOf(row.levels, i) }))
        : undefined,
    },
    reference: () => ({ pooled: row.want ?? reference.roiAlign({ ...row, cuts, count }) }),
    tolerance: CLOSE,
  });
}

function poolRow(what: string, row: RoiRow): KernelCase {
  const { pooled, scales, cuts = [], count = row.boxes.shape[0]! } = row;
  return kernelCase({
    what,
    kernel: roiPool,
    inputs: inputsOf(row),
    attributes: { pooled, scales, cuts },
    reference: () => ({ pooled: row.want ?? reference.roiPool({ ...row, cuts, count }) }),
    tolerance: EXACT,
  });
}

/** `count` boxes of all sizes, all but evenly in octaves, somewhat beyond a picture of height x width. */
function someBoxes(count: number, height: number, width: number, seed = 1): HostTensor {
  const next = uniform(seed);
  const sides = Array.from({ length: count }, () => {
    const [x, y] = [(1.2 * next() - 0.1) * width, (1.2 * next() - 0.1) * height];
    const [w, h] = [width * 2 ** (-6 * next()), height * 2 ** (-6 * next())];
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
  });
  return tensor([count, 4], sides.flat());
}

/** Maps of strides 4, 8, … of a picture. */
function pyramid(levels: number, height: number, width: number, channels: number): HostTensor[] {
  return Array.from({ length: levels }, (_, i) =>
    random([1, Math.ceil(height / 2 ** (i + 2)), Math.ceil(width / 2 ** (i + 2)), channels], i + 1),
  );
}

const strides = (levels: number) => Array.from({ length: levels }, (_, i) => 1 / 2 ** (i + 2));

const control: AlignRow = {
  levels: pyramid(4, 192, 256, 32),
  boxes: someBoxes(100, 192, 256),
  pooled: 7,
  samples: 2,
  aligned: false,
  scales: strides(4),
  cuts: levelCuts(2, 5, SMALL),
};

function withLevels(levels: number): Pick<AlignRow, 'levels' | 'scales' | 'cuts'> {
  const cuts = levelCuts(2, levels + 1, SMALL);
  return { levels: pyramid(levels, 192, 256, 8), scales: strides(levels), cuts };
}

/** A 4x4 map of 0 .. 15, each of four channels another multiple of it. */
const FACTORS = [1, 2, -1, 0.5];
const counting = tensor(
  [1, 4, 4, 4],
  Array.from({ length: 64 }, (_, i) => Math.floor(i / 4) * FACTORS[i % 4]!),
);
const inFourChannels = (values: number[]) => values.flatMap((v) => FACTORS.map((factor) => factor * v));

// By torchvision.ops.roi_align.
const TORCH: { box: number[]; unaligned: number[]; aligned: number[]; alignedAdaptive?: number[] }[] = [
  { box: [0.5, 0.5, 2.5, 2.5], unaligned: [5, 6, 9, 10], aligned: [2.5, 3.5, 6.5, 7.5] },
  { box: [-2, -2, 2, 2], unaligned: [0, 0.5, 2, 5], aligned: [0, 0.25, 1, 2.5] },
  { box: [2, 1, 6, 5], unaligned: [10.75, 0, 7.375, 0], aligned: [8.5, 4.5, 14.5, 7.5] },
  { box: [0, 0, 4, 4], unaligned: [5, 6.75, 12, 13.75], aligned: [2.5, 4.5, 10.5, 12.5] },
  { box: [1.2, 1.2, 1.4, 1.4], unaligned: [7.25, 7.75, 9.25, 9.75], aligned: [3.75, 3.85, 4.15, 4.25] },
  {
    box: [1, 1, 1, 1],
    unaligned: [6.25, 6.75, 8.25, 8.75],
    aligned: [2.5, 2.5, 2.5, 2.5],
    alignedAdaptive: [0, 0, 0, 0],
  },
];

function torchRow(samples: number, aligned: boolean): KernelCase {
  return alignRow(`torchvision's numbers on 4x4, ${samples} samples, ${aligned ? '' : 'not '}aligned`, {
    levels: [counting],
    boxes: tensor(
      [TORCH.length, 4],
      TORCH.flatMap(({ box }) => box),
    ),
    pooled: 2,
    samples,
    aligned,
    scales: [1],
    want: TORCH.flatMap((example) => {
      const values = aligned ? example.aligned : example.unaligned;
      return inFourChannels((aligned && !samples && example.alignedAdaptive) || values);
    }),
  });
}

// One sample at x: an aligned empty box, half a pixel further.
const AT = [-1.0001, -1, -0.5, 0, 0.25, 2.5, 3, 3.5, 4, 4.0001];
const AT_VALUES = [0, 4, 4, 4, 4.25, 6.5, 7, 7, 7, 0];
const line = tensor(
  [1, 1, 4, 4],
  [4, 5, 6, 7].flatMap((v) => [v, v, v, v]),
);
const column = { ...line, shape: [1, 4, 1, 4] };
const pointAt = (x: number, y: number) => [x + 0.5, y + 0.5, x + 0.5, y + 0.5];
const sampling = { pooled: 1, samples: 1, aligned: true, scales: [1] };

/** Maps that hold their own number, so that what comes out is the level. */
const numbered = [0, 1, 2, 3].map((level) => tensor([1, 2, 2, 4], new Array(16).fill(level)));
const below = (x: number) => x * (1 - 2 ** -24);
const [toP3, toP4, toP5] = levelCuts(2, 5) as [number, number, number];
const LEVELS: [box: number[], level: number][] = [
  [[0, 0, 223.9999, 223.9999], 2],
  [[0, 0, 223.9998, 223.9998], 1],
  [[0, 0, 447.9998, 447.9998], 3],
  ...[toP3, toP4, toP5].map((cut, i): [number[], number] => [[0, 0, cut, 1], i + 1]),
  ...[toP3, toP4, toP5].map((cut, i): [number[], number] => [[0, 0, below(cut), 1], i]),
  [[5, 5, 5, 5], 0],
  [[9, 9, 5, 7], 0],
  [[-1e9, -1e9, 1e9, 1e9], 3],
];

const odd = tensor(
  [8, 4],
  [
    ...[-50, -50, -20, -20], // all of it before the map
    ...[300, 40, 400, 90], // ... and after
    ...[60, 60, 60, 90], // no width
    ...[90, 90, 40, 40], // inside out
    ...[-900, -700, 1100, 900], // much larger than the map
    ...[-0.0001, 0, 31.9999, 32],
    ...[100, 100, 100.01, 100.01],
    ...[255.9, 191.9, 256, 192],
  ],
);
const NaNs = tensor([3, 4], [Number.NaN, 10, 20, 20, 5, 5, Number.NaN, 20, 10, 10, 30, 30]);

/** 340 x 14 x 14 x 64 quads: 66,640 workgroups. */
const folded = {
  levels: [random([1, 3, 5, 256])],
  boxes: someBoxes(340, 12, 20),
  first: 320,
  pooled: 14,
  scales: [1 / 4],
};

const alignRows: KernelCase[] = [
  alignRow('network-like: P2 to P5, 7x7', control),
  alignRow('P2 to P5 in one tensor', control, true),
  alignRow('no level for the largest boxes', { ...control, end: 80 * 80 }),
  alignRow('areas of boxes that include their last pixels', { ...control, inclusive: true }),
  alignRow('14x14 bins', { ...control, pooled: 14 }),
  ...[0, 2].flatMap((samples) => [torchRow(samples, false), torchRow(samples, true)]),
  alignRow('border rules along x', {
    ...sampling,
    levels: [line],
    boxes: tensor(
      [10, 4],
      AT.flatMap((x) => pointAt(x, 0)),
    ),
    want: AT_VALUES.flatMap((v) => [v, v, v, v]),
  }),
  alignRow('border rules along y', {
    ...sampling,
    levels: [column],
    boxes: tensor(
      [10, 4],
      AT.flatMap((y) => pointAt(0, y)),
    ),
    want: AT_VALUES.flatMap((v) => [v, v, v, v]),
  }),
  alignRow('areas next to the cuts of the levels', {
    levels: numbered,
    boxes: tensor(
      [LEVELS.length, 4],
      LEVELS.flatMap(([box]) => box),
    ),
    pooled: 1,
    samples: 1,
    aligned: false,
    scales: [0, 0, 0, 0],
    cuts: [toP3, toP4, toP5],
    want: LEVELS.flatMap(([, level]) => [level, level, level, level]),
  }),
  alignRow('aligned', { ...control, aligned: true }),
  alignRow('adaptive samples', { ...control, samples: 0 }),
  alignRow('adaptive samples, aligned', { ...control, samples: 0, aligned: true }),
  alignRow('three samples a side', { ...control, samples: 3 }),
  alignRow('whole numbers of feature pixels in 7 bins, adaptive', {
    ...control,
    samples: 0,
    aligned: true,
    boxes: tensor([40, 4], Array.from({ length: 40 }, (_, i) => [0, 0, 28 * (i + 1), 4 * (i + 1)]).flat()),
  }),
  alignRow('boxes outside, empty, inside out, huge', { ...control, boxes: odd }),
  alignRow('... aligned and adaptive', { ...control, boxes: odd, aligned: true, samples: 0 }),
  alignRow('coordinates that are NaN', { ...control, boxes: NaNs }),
  alignRow('... aligned and adaptive', { ...control, boxes: NaNs, aligned: true, samples: 0 }),
  alignRow('one level', { ...control, ...withLevels(1) }),
  alignRow('three levels', { ...control, ...withLevels(3) }),
  alignRow('five levels', { ...control, ...withLevels(5) }),
  alignRow('one quad of channels', { ...control, levels: pyramid(4, 192, 256, 4) }),
  alignRow('a map of one pixel', { ...control, ...withLevels(1), levels: [random([1, 1, 1, 8])] }),
  alignRow('count 0', { ...control, count: 0 }),
  alignRow('count of a part', { ...control, count: 37 }),
  alignRow('count beyond the capacity', { ...control, boxes: someBoxes(3, 192, 256), count: 9 }),
  alignRow('more than 65,535 workgroups', { ...folded, samples: 1, aligned: false }),
];

const poolRows: KernelCase[] = [
  poolRow('network-like: P2 to P5, 7x7', control),
  poolRow('4x4 map, by hand', {
    levels: [
      tensor(
        [1, 4, 4, 4],
        Float32Array.from({ length: 64 }, (_, i) => 1 + Math.floor(i / 4)),
      ),
    ],
    boxes: tensor([5, 4], [0, 0, 3, 3, 0.5, 0.5, 2.5, 2.5, -0.5, -0.5, 0.4, 0.4, 5, 5, 9, 9, 2, 2, 2, 2]),
    pooled: 2,
    scales: [1],
    want: [
      ...[6, 8, 14, 16], // two by two each
      ...[11, 12, 15, 16], // .5 rounds to 1, 2.5 to 3: 3 wide, bins [1, 3) and [2, 4)
      ...[0, 0, 0, 1], // -.5 rounds to -1: bins [-1, 0), which has no pixels, and [0, 1)
      ...[0, 0, 0, 0], // beyond the map
      ...[11, 11, 11, 11], // one pixel in every bin
    ].flatMap((v) => [v, v, v, v]),
  }),
  poolRow('sides of 1 to 120 pixels in 7 bins', {
    ...control,
    levels: [random([1, 130, 130, 4])],
    boxes: tensor([120, 4], Array.from({ length: 120 }, (_, i) => [3, 2, 3 + i, 121 - i]).flat()),
    scales: [1],
    cuts: [],
  }),
  poolRow('one bin', { ...control, pooled: 1 }),
  poolRow('boxes outside, empty, inside out, huge', { ...control, boxes: odd }),
  poolRow('one level', { ...control, ...withLevels(1) }),
  poolRow('three levels', { ...control, ...withLevels(3) }),
  poolRow('five levels', { ...control, ...withLevels(5) }),
  poolRow('a map of one pixel', { ...control, ...withLevels(1), levels: [random([1, 1, 1, 8])] }),
  poolRow('count 0', { ...control, count: 0 }),
  poolRow('count of a part', { ...control, count: 37 }),
  poolRow('more than 65,535 workgroups', folded),
];

export const roiRows: KernelCase[] = [...alignRows, ...poolRows];
