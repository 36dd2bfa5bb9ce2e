// Rows of the kernels that work on maps and matrices.

import { convTranspose2d } from '../../src/kernels/conv_transpose2d';
import { conv2d } from '../../src/kernels/conv2d';
import { linear } from '../../src/kernels/linear';
import { maxPool2d } from '../../src/kernels/max_pool2d';
import { packWeight } from '../../src/kernels/pack_weight';
import { upsampleAdd } from '../../src/kernels/upsample_add';
import type { HostTensor } from '../gpu';
import { CLOSE, EXACT, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as convolutions from '../reference/conv2d';
import * as maps from '../reference/maps';
import * as packing from '../reference/pack_weight';

type Shape4 = [number, number, number, number];

interface ConvolutionRow extends convolutions.Convolution {
  bias?: boolean;
  add?: boolean;
  count?: number;
}

/** What is at or after item `count` of the batch is undefined. */
function upTo(values: Float64Array, batch: number, count = batch): Float64Array {
  return values.map((value, i) => (i < (values.length / batch) * count ? value : Number.NaN));
}

function conv2dRow(what: string, input: Shape4, weight: Shape4, row: ConvolutionRow = {}): KernelCase {
  const { bias, add, count, relu, ...options } = row;
  const [O, , Y, X] = weight;
  const natural = {
    input: random(input, 1),
    weight: random(weight, 2),
    bias: bias ? random([O], 3) : undefined,
  };
  const bare = convolutions.conv2d(natural.input, natural.weight, options);
  const outHeight =
    Math.floor((input[1] + 2 * (row.padding ?? 0) - (row.dilation ?? 1) * (Y - 1) - 1) / (row.stride ?? 1)) +
    1;
  const shape = [input[0], outHeight, bare.length / (input[0] * outHeight * O), O];
  const residual = add ? random(shape, 4) : undefined;
  return kernelCase({
    what,
    kernel: conv2d,
    inputs: {
      input: natural.input,
      weight: packing.packWeight(natural.weight, row.groups),
      bias: natural.bias && packing.packBias(natural.bias, row.groups),
      add: residual,
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { channels: O, window: [Y, X], ...options, activation: relu ? 'relu' : 'none' },
    reference: () => ({
      output: upTo(
        convolutions.conv2d(natural.input, natural.weight, { ...options, relu }, natural.bias, residual),
        input[0],
        count,
      ),
    }),
    tolerance: { atol: 2e-5, rtol: 1e-5 },
  });
}

function convTranspose2dRow(
  what: string,
  input: Shape4,
  weight: Shape4,
  row: ConvolutionRow = {},
): KernelCase {
  const { bias, add: _, count, relu, groups: __, ...options } = row;
  const [, O, Y, X] = weight;
  const natural = {
    input: random(input, 1),
    weight: random(weight, 2),
    bias: bias ? random([O], 3) : undefined,
  };
  return kernelCase({
    what,
    kernel: convTranspose2d,
    inputs: {
      input: natural.input,
      weight: packing.packWeight(natural.weight, 1, true),
      bias: natural.bias && packing.packBias(natural.bias),
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { channels: O, window: [Y, X], ...options, activation: relu ? 'relu' : 'none' },
    reference: () => ({
      output: upTo(
        convolutions.convTranspose2d(natural.input, natural.weight, { ...options, relu }, natural.bias),
        input[0],
        count,
      ),
    }),
    tolerance: CLOSE,
  });
}

function linearRow(what: string, R: number, I: number, O: number, count?: number): KernelCase {
  const [input, weight, bias] = [random([R, I], 1), random([O, I, 1, 1], 2), random([O], 3)];
  const packed = packing.packWeight(weight);
  return kernelCase({
    what,
    kernel: linear,
    inputs: {
      input,
      weight: { ...packed, shape: packed.shape.slice(3) },
      bias: packing.packBias(bias),
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { outputs: O, activation: 'relu' },
    reference: () => ({
      output: upTo(maps.linear(input, { ...weight, shape: [O, I] }, bias, true), R, count),
    }),
    // a sum of I products of numbers up to 1: rounding grows with the sum's partial values
    tolerance: { atol: 1e-7 * I, rtol: 1e-5 },
  });
}

function maxPool2dRow(
  what: string,
  input: Shape4,
  window: number,
  stride: number,
  padding: number,
): KernelCase {
  const map = random(input);
  return kernelCase({
    what,
    kernel: maxPool2d,
    inputs: { input: map },
    attributes: { window, stride, padding },
    reference: () => ({ output: maps.maxPool2d(map, window, stride, padding) }),
    tolerance: EXACT,
  });
}

function upsampleAddRow(what: string, lateralShape: Shape4, coarseShape: Shape4): KernelCase {
  const [lateral, coarse] = [random(lateralShape, 1), random(coarseShape, 2)];
  return kernelCase({
    what,
    kernel: upsampleAdd,
    inputs: { lateral, coarse },
    attributes: {},
    reference: () => ({ output: maps.upsampleAdd(lateral, coarse) }),
    tolerance: CLOSE,
  });
}

type RawDtype = 'F32' | 'F16' | 'BF16' | 'I8' | 'U8';

/** What is subtracted from a U8 weight of output channel `o`. */
const zeroPoint = (o: number): number => 128 - (o % 2);

/** A tensor's bytes as they are in a file, in words, made of small integers that all dtypes hold. */
function rawWeight(
  shape: Shape4,
  dtype: RawDtype,
  transposed: boolean,
): { raw: HostTensor; values: HostTensor } {
  const next = uniform(5);
  const values = tensor(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.floor(next() * 255) - 127),
  );
  const bits = new Uint32Array(values.data.buffer.slice(0));
  if (dtype === 'F32') return { raw: indices([bits.length], bits), values };
  if (dtype === 'I8' || dtype === 'U8') {
    const [taps, outputs] = [shape[2] * shape[3], transposed ? shape[1] : shape[0]];
    const each = transposed ? taps : shape[1] * taps;
    const bytes = new Uint8Array(Math.ceil(bits.length / 4) * 4);
    values.data.forEach((value, i) => {
      bytes[i] = dtype === 'I8' ? value : value + zeroPoint(Math.floor(i / each) % outputs);
    });
    return { raw: indices([bytes.length / 4], new Uint32Array(bytes.buffer)), values };
  }
  const words = new Uint32Array(Math.ceil(bits.length / 2));
  bits.forEach((word, i) => {
    words[i >> 1]! |= (dtype === 'BF16' ? word >>> 16 : toFloat16(word)) << (16 * (i & 1));
  });
  return { raw: indices([words.length], words), values };
}

/** float16 bits of a float32 that float16 holds exactly and normally. */
function toFloat16(word: number): number {
  if ((word & 0x7fffffff) === 0) return word >>> 16;
  const exponent = ((word >>> 23) & 0xff) - 127 + 15;
  return ((word >>> 16) & 0x8000) | (exponent << 10) | ((word >>> 13) & 0x3ff);
}

function packWeightRow(
  what: string,
  shape: Shape4,
  dtype: RawDtype,
  groups = 1,
  transposed = false,
): KernelCase {
  const { raw, values } = rawWeight(shape, dtype, transposed);
  const factors = random([transposed ? shape[1] : shape[0]], 6);
  const zeros = Array.from(factors.data, (_, o) => zeroPoint(o));
  const scale = dtype === 'U8' ? tensor([2 * zeros.length], [...factors.data, ...zeros]) : factors;
  return kernelCase({
    what,
    kernel: packWeight,
    inputs: { raw, scale },
    attributes: { shape, dtype, groups, transposed },
    reference: () => ({
      packed: packing.packWeight(values, groups, transposed, (o) => scale.data[o]!).data,
    }),
    tolerance: EXACT,
  });
}

export const mapRows: KernelCase[] = [
  conv2dRow('3x3 of a pyramid level', [1, 13, 17, 64], [64, 64, 3, 3], {
    padding: 1,
    bias: true,
    relu: true,
  }),
  conv2dRow('1x1 with residual', [1, 9, 11, 32], [128, 32, 1, 1], { bias: true, add: true, relu: true }),
  conv2dRow('3x3 stride 2, odd size', [1, 15, 13, 16], [40, 16, 3, 3], { stride: 2, padding: 1, bias: true }),
  conv2dRow('stem: 7x7 stride 2, 3 channels stored as 4', [1, 33, 39, 4], [64, 3, 7, 7], {
    stride: 2,
    padding: 3,
  }),
  conv2dRow('dilation 2, no bias', [1, 12, 12, 8], [8, 8, 3, 3], { dilation: 2, padding: 2 }),
  conv2dRow('ResNeXt: 32 groups of 4', [1, 7, 9, 128], [128, 4, 3, 3], {
    groups: 32,
    padding: 1,
    bias: true,
  }),
  conv2dRow('depthwise', [1, 9, 8, 12], [12, 1, 3, 3], { groups: 12, padding: 1, bias: true, add: true }),
  conv2dRow('odd channels in and out', [1, 6, 7, 5], [7, 5, 3, 3], {
    padding: 1,
    bias: true,
    add: true,
    relu: true,
  }),
  conv2dRow('3 outputs: objectness', [1, 10, 14, 32], [3, 32, 1, 1], { bias: true }),
  conv2dRow('two groups of odd channels', [1, 5, 5, 6], [10, 3, 1, 1], { groups: 2, bias: true }),
  conv2dRow('one pixel', [1, 1, 1, 16], [16, 16, 3, 3], { padding: 1, bias: true }),
  conv2dRow('a batch of regions', [5, 7, 7, 16], [24, 16, 3, 3], { padding: 1, bias: true, relu: true }),
  conv2dRow('only 2 of 5 regions', [5, 7, 7, 16], [24, 16, 3, 3], { padding: 1, bias: true, count: 2 }),
  conv2dRow('no regions', [3, 4, 4, 8], [8, 8, 1, 1], { bias: true, count: 0 }),
  conv2dRow('a count beyond the capacity', [3, 4, 4, 8], [8, 8, 1, 1], { bias: true, count: 9 }),
  conv2dRow('window as large as the map', [4, 7, 7, 16], [32, 16, 7, 7], { bias: true, relu: true }),
  convTranspose2dRow('2x2 stride 2 of the mask head', [3, 14, 14, 32], [32, 32, 2, 2], {
    stride: 2,
    bias: true,
    relu: true,
  }),
  convTranspose2dRow('only 1 of 3 regions', [3, 5, 5, 8], [8, 8, 2, 2], { stride: 2, bias: true, count: 1 }),
  convTranspose2dRow('4x4 stride 2 padding 1 of the keypoint head', [2, 7, 7, 16], [16, 17, 4, 4], {
    stride: 2,
    padding: 1,
    bias: true,
  }),
  convTranspose2dRow('3x3 stride 3, output padding, dilation', [1, 4, 5, 6], [6, 5, 3, 3], {
    stride: 3,
    padding: 2,
    outputPadding: 1,
    dilation: 2,
  }),
  convTranspose2dRow('stride 1', [1, 5, 6, 4], [4, 8, 3, 3], { padding: 1, bias: true }),
  kernelCase({
    what: 'by hand: [1, 10] with kernel [[0, 1], [2, 3]]',
    kernel: convTranspose2d,
    inputs: {
      input: tensor([1, 1, 2, 1], [1, 10]),
      weight: packing.packWeight(tensor([1, 1, 2, 2], [0, 1, 2, 3]), 1, true),
    },
    attributes: { channels: 1, window: [2, 2], stride: 2 },
    reference: () => ({ output: [0, 1, 0, 10, 2, 3, 20, 30] }),
    tolerance: EXACT,
  }),
  linearRow('fc7', 33, 256, 128),
  linearRow('a long sum', 5, 12544, 16),
  linearRow('91 classes', 9, 64, 91),
  linearRow('odd sizes', 3, 13, 7),
  linearRow('only 3 of 40 rows', 40, 32, 20, 3),
  linearRow('no rows', 4, 16, 8, 0),
  maxPool2dRow('stem: 3x3 stride 2 padding 1', [1, 17, 14, 16], 3, 2, 1),
  maxPool2dRow('P6: every second pixel', [1, 25, 34, 8], 1, 2, 0),
  maxPool2dRow('one pixel', [1, 1, 1, 4], 3, 2, 1),
  maxPool2dRow('a batch', [3, 6, 6, 4], 2, 2, 0),
  maxPool2dRow('more than 65,535 workgroups', [1, 2050, 2048, 4], 1, 1, 0),
  upsampleAddRow('twice the size', [1, 12, 16, 32], [1, 6, 8, 32]),
  upsampleAddRow('odd sizes: 13 to 25, 3 to 7', [1, 25, 7, 8], [1, 13, 3, 8]),
  upsampleAddRow('same size', [1, 5, 6, 4], [1, 5, 6, 4]),
  packWeightRow('F32 3x3', [24, 16, 3, 3], 'F32'),
  packWeightRow('F16, odd channels', [7, 5, 3, 3], 'F16'),
  packWeightRow('BF16, grouped', [12, 3, 3, 3], 'BF16', 4),
  packWeightRow('transposed F16', [6, 5, 2, 2], 'F16', 1, true),
  packWeightRow('I8, odd channels', [7, 5, 3, 3], 'I8'),
  packWeightRow('I8, grouped', [12, 3, 3, 3], 'I8', 4),
  packWeightRow('transposed I8', [6, 5, 2, 2], 'I8', 1, true),
  packWeightRow('U8, each output with its zero', [7, 5, 3, 3], 'U8'),
  packWeightRow('transposed U8', [6, 5, 2, 2], 'U8', 1, true),
];
