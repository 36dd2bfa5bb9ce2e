// Rows of MobileNetV3: hard-swish in the layers that have weights, and scale_channels.

import { conv2d } from '../../src/kernels/conv2d';
import { depthwiseConv2d } from '../../src/kernels/depthwise_conv2d';
import { linear } from '../../src/kernels/linear';
import { scaleChannels } from '../../src/kernels/scale_channels';
import type { HostTensor } from '../gpu';
import { CLOSE, halves, type KernelCase, kernelCase, random, tensor } from '../kernel_case';
import * as convolutions from '../reference/conv2d';
import * as reference from '../reference/families';
import * as maps from '../reference/maps';
import { packWeight } from '../reference/pack_weight';

const wide = ({ shape, data }: HostTensor, factor: number): HostTensor =>
  tensor(
    shape as number[],
    data.map((x) => x * factor),
  );

function hardSwishRows(): KernelCase[] {
  const input = wide(random([1, 7, 9, 8]), 4);
  const [weight, bias] = [random([12, 8, 3, 3], 2), random([12], 3)];
  const add = random([1, 7, 9, 12], 5);
  const [own, each] = [random([8, 1, 3, 3], 4), random([8], 6)];
  const taps = packWeight({ ...own, shape: [8, 9, 1, 1] });
  const [rows, matrix] = [wide(random([10, 8], 7), 4), random([6, 8], 8)];
  const swished = (values: Float64Array) => ({ output: values.map(reference.hardSwish) });
  return [
    kernelCase({
      what: 'hard-swish after a residual',
      kernel: conv2d,
      inputs: { input, weight: packWeight(weight), bias, add },
      attributes: { channels: 12, window: [3, 3], padding: 1, activation: 'hard_swish' },
      reference: () => swished(convolutions.conv2d(input, weight, { padding: 1 }, bias, add)),
      tolerance: CLOSE,
    }),
    kernelCase({
      what: 'hard-swish',
      kernel: depthwiseConv2d,
      inputs: { input, weight: { ...taps, shape: taps.shape.slice(3) }, bias: each },
      attributes: { window: [3, 3], padding: 1, stride: 2, activation: 'hard_swish' },
      reference: () => swished(convolutions.conv2d(input, own, { padding: 1, stride: 2, groups: 8 }, each)),
      tolerance: CLOSE,
    }),
    kernelCase({
      what: 'hard-swish, outputs no multiple of 4',
      kernel: linear,
      inputs: { input: rows, weight: packWeight({ ...matrix, shape: [6, 8, 1, 1] }) },
      attributes: { outputs: 6, activation: 'hard_swish' },
      reference: () => swished(maps.linear(rows, matrix)),
      tolerance: CLOSE,
    }),
  ];
}

function excitationRow(what: string, input: HostTensor, gate: HostTensor, tolerance = CLOSE): KernelCase {
  return kernelCase({
    what,
    kernel: scaleChannels,
    inputs: { input, gate },
    attributes: {},
    reference: () => ({ output: reference.scaleChannels(input, gate) }),
    tolerance,
  });
}

export const swishRows: KernelCase[] = [
  ...hardSwishRows(),
  excitationRow('squeeze and excitation', wide(random([1, 6, 5, 12]), 3), wide(random([1, 1, 1, 12], 2), 6)),
  excitationRow('of two pictures', random([2, 3, 3, 8]), wide(random([2, 1, 1, 8], 2), 6)),
  excitationRow(
    'of halves',
    halves(random([1, 6, 5, 12])),
    halves(wide(random([1, 1, 1, 12], 2), 6)),
    { atol: 1e-3, rtol: 1e-3 }, // a half's last bit is 2^-11
  ),
];
