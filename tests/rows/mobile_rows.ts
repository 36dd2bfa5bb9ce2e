// Rows of the kernels of mobile networks: depthwise_conv2d, whose reference is that of conv2d with as many groups as
// channels, and avg_pool2d.

import { avgPool2d } from '../../src/kernels/avg_pool2d';
import { depthwiseConv2d } from '../../src/kernels/depthwise_conv2d';
import { CLOSE, indices, type KernelCase, kernelCase, random } from '../kernel_case';
import { type Convolution, conv2d } from '../reference/conv2d';
import * as maps from '../reference/maps';
import { packWeight } from '../reference/pack_weight';

interface DepthwiseRow extends Omit<Convolution, 'groups' | 'outputPadding'> {
  bias?: boolean;
  count?: number;
}

function depthwiseRow(
  what: string,
  shape: [number, number, number, number],
  window: [number, number],
  { bias, count, relu, ...options }: DepthwiseRow = {},
): KernelCase {
  const [N, , , C] = shape;
  const [input, weight] = [random(shape, 1), random([C, 1, ...window], 2)];
  const biases = bias ? random([C], 3) : undefined;
  const rows = packWeight({ ...weight, shape: [C, window[0] * window[1], 1, 1] });
  return kernelCase({
    what,
    kernel: depthwiseConv2d,
    inputs: {
      input,
      weight: { ...rows, shape: rows.shape.slice(3) },
      bias: biases,
      count: count === undefined ? undefined : indices([1], [count]),
    },
    attributes: { window, ...options, activation: relu ? 'relu' : 'none' },
    reference: () => {
      const output = conv2d(input, weight, { ...options, relu: relu ?? false, groups: C }, biases);
      // what is at or after `count` of the batch is undefined
      return {
        output: output.map((value, i) => (i < (output.length / N) * (count ?? N) ? value : Number.NaN)),
      };
    },
    tolerance: CLOSE,
  });
}

function avgPool2dRow(
  what: string,
  shape: [number, number, number, number],
  window: [number, number],
  { stride = 1, count }: { stride?: number; count?: number } = {},
): KernelCase {
  const input = random(shape);
  return kernelCase({
    what,
    kernel: avgPool2d,
    inputs: { input, count: count === undefined ? undefined : indices([1], [count]) },
    attributes: { window, stride },
    reference: () => {
      const output = maps.avgPool2d(input, window, stride);
      const end = (output.length / shape[0]) * (count ?? shape[0]);
      return { output: output.map((value, i) => (i < end ? value : Number.NaN)) };
    },
    tolerance: CLOSE,
  });
}

export const mobileRows: KernelCase[] = [
  avgPool2dRow('3x3 of each region', [9, 3, 3, 160], [3, 3]),
  avgPool2dRow('2x3 stride 2, odd size', [2, 7, 9, 12], [2, 3], { stride: 2 }),
  avgPool2dRow('global, of a large map', [1, 50, 68, 8], [50, 68]),
  avgPool2dRow('1x1', [1, 2, 2, 4], [1, 1]),
  avgPool2dRow('only 2 of 5 regions', [5, 3, 3, 8], [3, 3], { count: 2 }),
  avgPool2dRow('no regions', [5, 3, 3, 8], [3, 3], { count: 0 }),
  depthwiseRow('3x3 of an inverted residual', [1, 20, 28, 96], [3, 3], { padding: 1, bias: true }),
  depthwiseRow('3x3 stride 2 with ReLU, odd size', [1, 17, 13, 24], [3, 3], {
    stride: 2,
    padding: 1,
    bias: true,
    relu: true,
  }),
  depthwiseRow('5x5 stride 2, even size', [1, 14, 18, 12], [5, 5], { stride: 2, padding: 2, bias: true }),
  depthwiseRow('dilation 2, no bias', [1, 9, 11, 8], [3, 3], { dilation: 2, padding: 2 }),
  depthwiseRow('1x7: a window that is not square', [1, 8, 9, 8], [1, 7], { bias: true }),
  depthwiseRow('1x1, no padding', [1, 5, 5, 4], [1, 1], { bias: true }),
  depthwiseRow('one pixel', [1, 1, 1, 16], [3, 3], { padding: 1, bias: true }),
  depthwiseRow('window as large as the map', [2, 6, 6, 8], [6, 6], { bias: true }),
  depthwiseRow('padding beyond the window', [1, 3, 3, 4], [3, 3], { padding: 4, bias: true }),
  depthwiseRow('a batch of regions', [5, 6, 6, 20], [3, 3], { padding: 1, bias: true, relu: true }),
  depthwiseRow('only 2 of 5 regions', [5, 6, 6, 20], [3, 3], { padding: 1, bias: true, count: 2 }),
  depthwiseRow('no regions', [3, 4, 4, 8], [3, 3], { padding: 1, bias: true, count: 0 }),
  depthwiseRow('a count beyond the capacity', [3, 4, 4, 8], [3, 3], { padding: 1, bias: true, count: 9 }),
];
