// Rows of the ways to compute a matrix product: every tile of conv2d and linear, halves, split sums, Winograd.

import { avgPool2d } from '../../src/kernels/avg_pool2d';
import { type Conv2dAttributes, conv2d, conv2dWorkgroup } from '../../src/kernels/conv2d';
import { depthwiseConv2d } from '../../src/kernels/depthwise_conv2d';
import { linear, linearWorkgroup } from '../../src/kernels/linear';
import { maxPool2d } from '../../src/kernels/max_pool2d';
import { winogradWeight } from '../../src/kernels/pack_weight';
import { reduce } from '../../src/kernels/reduce';
import { TILES, type Tile, type TileName } from '../../src/kernels/tile';
import { upsampleAdd } from '../../src/kernels/upsample_add';
import { type Step, winogradInput, winogradOutput } from '../../src/kernels/winograd';
import type { HostTensor } from '../gpu';
import { CLOSE, EXACT, halves, indices, type KernelCase, kernelCase, random } from '../kernel_case';
import * as convolutions from '../reference/conv2d';
import * as maps from '../reference/maps';
import * as packing from '../reference/pack_weight';
import * as winograd from '../reference/winograd';

type Shape4 = [number, number, number, number];

/** Outputs that are stored as halves round to 11 bits. */
const STORED_HALF = { atol: 1e-6, rtol: 2 ** -11 };

const tileNames = Object.keys(TILES) as TileName[];

function needs(name: TileName): KernelCase['needs'] {
  return (TILES[name] as Tile).feature;
}

/** Products of four terms are rounded to 11 bits before they are summed; inputs are up to 1. */
function toleranceOf(name: TileName, depth: number): KernelCase['tolerance'] {
  const half = needs(name) === 'shader-f16';
  return half ? { atol: 2 ** -10 * Math.sqrt(depth) * 2, rtol: 2 ** -10 } : { atol: 2e-5, rtol: 1e-5 };
}

interface ConvolutionRow extends convolutions.Convolution {
  count?: number;
  half?: boolean;
}

function conv2dRow(name: TileName, what: string, input: Shape4, weight: Shape4, row: ConvolutionRow) {
  const { count, half = false, relu = true, ...options } = row;
  const [O, , Y, X] = weight;
  const store = half ? halves : <T>(x: T): T => x;
  const natural = {
    input: store(random(input, 1)),
    weight: half ? halves(random(weight, 2)) : random(weight, 2),
    bias: random([O], 3),
  };
  const bare = convolutions.conv2d(natural.input, natural.weight, { ...options, relu }, natural.bias);
  const packed = packing.packWeight(natural.weight, row.groups);
  const attributes: Conv2dAttributes = { channels: O, window: [Y, X], ...options, tile: name };
  return kernelCase({
    what: `${name}: ${what}`,
    kernel: TILES[name].memory === 'workgroup' ? conv2dWorkgroup : conv2d,
    inputs: {
      input: natural.input,
      weight: half ? halves(packed) : packed,
      bias: packing.packBias(natural.bias, row.groups),
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: {
      ...attributes,
      activation: relu ? 'relu' : 'none',
      store: half && O % 4 === 0 ? 'f16' : 'f32',
    },
    reference: () => ({
      output: bare.map((value, i) =>
        count === undefined || i < (bare.length / input[0]) * count ? value : Number.NaN,
      ),
    }),
    tolerance:
      half && needs(name) !== 'shader-f16' ? STORED_HALF : toleranceOf(name, (weight[1] ?? 1) * Y * X),
    needs: needs(name),
    lanes: (TILES[name] as Tile).subgroup,
  });
}

function linearRow(
  name: TileName,
  what: string,
  [B, R, I, O]: Shape4,
  row: { split?: boolean; count?: number; rowsPerCount?: number } = {},
): KernelCase {
  const { split = false, count, rowsPerCount } = row;
  const input = random(split ? [R, B * I] : [B, R, I], 1);
  const weights = Array.from({ length: B }, (_, b) => random([O, I, 1, 1], 2 + b));
  const packed = weights.map((weight) => packing.packWeight(weight));
  const rows = (b: number): HostTensor => {
    const at = (r: number, i: number) => (split ? r * B * I + b * I + i : (b * R + r) * I + i);
    const data = Float32Array.from({ length: R * I }, (_, n) => input.data[at(Math.floor(n / I), n % I)]!);
    return { shape: [R, I], dtype: 'f32', data };
  };
  return kernelCase({
    what: `${name}: ${what}`,
    kernel: TILES[name].memory === 'workgroup' ? linearWorkgroup : linear,
    inputs: {
      input,
      weight: {
        shape: [B, packed[0]!.shape[3]!, packed[0]!.shape[4]!],
        dtype: 'f32',
        data: Float32Array.from(packed.flatMap(({ data }) => [...data])),
      },
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { outputs: O, rows: R, batches: B, split, tile: name, ...(rowsPerCount && { rowsPerCount }) },
    reference: () => ({
      output: weights.flatMap((weight, b) =>
        [...maps.linear(rows(b), { ...weight, shape: [O, I] })].map((value, i) =>
          count === undefined || Math.floor(i / O) < count * (rowsPerCount ?? 1) ? value : Number.NaN,
        ),
      ),
    }),
    tolerance: toleranceOf(name, I),
    needs: needs(name),
    lanes: (TILES[name] as Tile).subgroup,
  });
}

/** One of each kind: these get all rows, the others differ from them in sizes only. */
const KINDS: TileName[] = ['subgroups 256x8', 'workgroup 64x64', 'workgroup 128x64', 'workgroup f16 64x64'];

/** What each tile must get right: edges of all axes, groups, odd channels, counts, batches. */
function tileRows(name: TileName): KernelCase[] {
  const rows = [
    conv2dRow(name, '3x3, edges everywhere', [1, 11, 13, 20], [36, 20, 3, 3], { padding: 1 }),
    linearRow(name, 'batches, counted', [3, 40, 32, 40], { count: 2, rowsPerCount: 8 }),
  ];
  if (!KINDS.includes(name)) return rows;
  return [
    ...rows,
    conv2dRow(name, 'two groups, stride 2', [1, 9, 12, 16], [24, 8, 3, 3], {
      groups: 2,
      stride: 2,
      padding: 1,
    }),
    conv2dRow(name, 'odd channels', [1, 6, 7, 5], [7, 5, 3, 3], { padding: 1, relu: false }),
    conv2dRow(name, 'only 2 of 5 regions', [5, 7, 7, 16], [72, 16, 3, 3], { padding: 1, count: 2 }),
    conv2dRow(name, 'halves', [1, 9, 10, 16], [24, 16, 3, 3], { padding: 1, half: true }),
    linearRow(name, 'edges everywhere', [1, 70, 44, 71]),
    linearRow(name, 'a split sum', [4, 35, 24, 68], { split: true }),
  ];
}

function winogradInputRow(
  what: string,
  shape: Shape4,
  step: Step,
  row: { outputs?: [number, number]; firstRow?: number; count?: number; half?: boolean } = {},
): KernelCase {
  const { outputs = [shape[1], shape[2]], firstRow, count, half = false } = row;
  const input = half ? halves(random(shape)) : random(shape);
  const tiles = shape[0] * Math.ceil(outputs[0] / step) * Math.ceil(outputs[1] / step);
  return kernelCase({
    what: `F(${step},3): ${what}`,
    kernel: winogradInput,
    inputs: { input, count: count === undefined ? undefined : indices([1], [count]) },
    attributes: { step, padding: 1, outputs, ...(firstRow && { firstRow }) },
    reference: () => ({
      transformed: winograd
        .transformInput(input, step, 1, outputs, firstRow)
        .map((value, i) =>
          count !== undefined && Math.floor(i / shape[3]) % tiles >= (tiles / shape[0]) * count
            ? Number.NaN
            : value,
        ),
    }),
    tolerance: half ? { atol: 1e-5, rtol: 2 ** -11 } : CLOSE,
  });
}

function winogradWeightRow(what: string, shape: Shape4, step: Step, half = false): KernelCase {
  const weight = random(shape, 2);
  const scale = random([shape[0]], 3);
  return kernelCase({
    what: `F(${step},3): ${what}`,
    kernel: winogradWeight,
    inputs: { raw: indices([weight.data.length], new Uint32Array(weight.data.buffer)), scale },
    attributes: { shape, dtype: 'F32', winograd: step, store: half ? 'f16' : 'f32' },
    reference: () => ({ packed: winograd.transformWeight(weight, step, (o) => scale.data[o]!) }),
    tolerance: half ? { atol: 1e-6, rtol: 2 ** -11 } : { atol: 1e-6, rtol: 1e-5 },
  });
}

function winogradOutputRow(
  what: string,
  outputs: [number, number, number],
  O: number,
  step: Step,
  row: { add?: boolean; count?: number; half?: boolean } = {},
): KernelCase {
  const { add = false, count, half = false } = row;
  const [N, H, W] = outputs;
  const store = half ? halves : <T>(x: T): T => x;
  const tiles = N * Math.ceil(H / step) * Math.ceil(W / step);
  const products = store(random([(step + 2) ** 2, tiles, O], 1));
  const bias = random([O], 2);
  const residual = add ? store(random([N, H, W, O], 3)) : undefined;
  const finish = (value: number, at: number, o: number): number =>
    count !== undefined && at >= count * H * W * O
      ? Number.NaN
      : Math.max(0, value + bias.data[o]! + (residual?.data[at] ?? 0));
  return kernelCase({
    what: `F(${step},3): ${what}`,
    kernel: winogradOutput,
    inputs: {
      products,
      bias,
      add: residual,
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { step, outputs, activation: 'relu' },
    reference: () => ({ output: winograd.transformOutput(products, step, outputs, finish) }),
    tolerance: half ? { atol: 1e-5, rtol: 2 ** -11 } : { atol: 2e-5, rtol: 1e-5 },
  });
}

function reduceRow(what: string, [B, R, O]: [number, number, number], count?: number): KernelCase {
  const parts = random([B, R, O], 1);
  const bias = random([O], 2);
  const sum = (i: number): number => {
    let total = bias.data[i % O]!;
    for (let b = 0; b < B; b++) total += parts.data[b * R * O + i]!;
    return Math.floor(i / O) < (count ?? R) ? Math.max(0, total) : Number.NaN;
  };
  return kernelCase({
    what,
    kernel: reduce,
    inputs: { parts, bias, count: count === undefined ? undefined : indices([1], [count]) },
    attributes: { activation: 'relu' },
    reference: () => ({ output: Array.from({ length: R * O }, (_, i) => sum(i)) }),
    tolerance: CLOSE,
  });
}

function scaledRow(): KernelCase {
  const [input, weight] = [random([9, 16], 1), halves(random([12, 16, 1, 1], 2))];
  const [scale, bias] = [random([12], 3), random([12], 4)];
  const turns = [0, 4, 8].flatMap((o) => [...scale.data.subarray(o, o + 4), ...bias.data.subarray(o, o + 4)]);
  const packed = halves(packing.packWeight(weight));
  return kernelCase({
    what: 'halves whose batch norm is applied to the sums',
    kernel: linear,
    inputs: {
      input,
      weight: { ...packed, shape: packed.shape.slice(3) },
      bias: { shape: [24], dtype: 'f32', data: Float32Array.from(turns) },
    },
    attributes: { outputs: 12, scaled: true },
    reference: () => ({
      output: maps
        .linear(input, { ...weight, shape: [12, 16] })
        .map((sum, i) => sum * scale.data[i % 12]! + bias.data[i % 12]!),
    }),
    tolerance: CLOSE,
  });
}

function halfMapRows(): KernelCase[] {
  const [map, coarse] = [halves(random([1, 9, 10, 8], 1)), halves(random([1, 5, 5, 8], 2))];
  const window = random([8, 1, 3, 3], 3);
  const taps = { ...window, shape: [8, 9, 1, 1] };
  return [
    kernelCase({
      what: 'halves',
      kernel: maxPool2d,
      inputs: { input: map },
      attributes: { window: 3, stride: 2, padding: 1 },
      reference: () => ({ output: maps.maxPool2d(map, 3, 2, 1) }),
      tolerance: EXACT,
    }),
    kernelCase({
      what: 'halves',
      kernel: avgPool2d,
      inputs: { input: map },
      attributes: { window: [3, 2] },
      reference: () => ({ output: maps.avgPool2d(map, [3, 2], 1) }),
      tolerance: STORED_HALF,
    }),
    kernelCase({
      what: 'halves',
      kernel: depthwiseConv2d,
      inputs: { input: map, weight: { ...packing.packWeight(taps), shape: [12, 8] } },
      attributes: { window: [3, 3], padding: 1, activation: 'relu' },
      reference: () => ({
        output: convolutions.conv2d(map, window, { groups: 8, padding: 1, relu: true }),
      }),
      tolerance: STORED_HALF,
    }),
    kernelCase({
      what: 'halves',
      kernel: upsampleAdd,
      inputs: { lateral: map, coarse },
      attributes: {},
      reference: () => ({ output: maps.upsampleAdd(map, coarse) }),
      tolerance: STORED_HALF,
    }),
  ];
}

export const productRows: KernelCase[] = [
  ...tileNames.flatMap(tileRows),
  winogradInputRow('a map, edges on all sides', [1, 9, 11, 8], 4),
  winogradInputRow('two maps of 14x14, one counted', [2, 14, 14, 8], 4, { count: 1 }),
  winogradInputRow('a band', [1, 20, 9, 4], 4, { outputs: [8, 9], firstRow: 8 }),
  winogradInputRow('halves', [1, 6, 7, 8], 4, { half: true }),
  winogradInputRow('a map', [1, 7, 6, 8], 2),
  winogradWeightRow('odd channels', [6, 5, 3, 3], 4),
  winogradWeightRow('halves', [8, 4, 3, 3], 4, true),
  winogradWeightRow('a weight', [8, 12, 3, 3], 2),
  winogradOutputRow('a map with residual', [1, 9, 11], 8, 4, { add: true }),
  winogradOutputRow('one of two', [2, 7, 7], 8, 4, { count: 1 }),
  winogradOutputRow('halves', [1, 6, 9], 8, 4, { add: true, half: true }),
  winogradOutputRow('a map', [1, 5, 6], 4, 2),
  reduceRow('five slices', [5, 9, 12]),
  reduceRow('only 2 of 6 rows', [3, 6, 8], 2),
  scaledRow(),
  ...halfMapRows(),
];
