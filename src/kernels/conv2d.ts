// conv2d: any window, stride, padding, dilation and groups; bias, residual and ReLU fused.
// Semantics of torch.nn.functional.conv2d. One shader computes out of registers, one out of workgroup memory.

import source from '../../shaders/conv2d.wgsl?raw';
import workgroup_source from '../../shaders/conv2d_workgroup.wgsl?raw';
import activation_lib from '../../shaders/lib/activation.wgsl?raw';
import conv2d_lib from '../../shaders/lib/conv2d.wgsl?raw';
import finish_lib from '../../shaders/lib/finish.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import quads_lib from '../../shaders/lib/quads.wgsl?raw';
import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import workgroup_tile_lib from '../../shaders/lib/workgroup_tile.wgsl?raw';
import { check, type Dispatch, type Kernel, type TensorSpec } from './kernel';
import { floorOf, padTo4, type QuadAttributes, quadConstants } from './quads';
import { plainTile, type TileName, tileConstants, tileGrid, tileOf } from './tile';

export interface Conv2dInputs {
  /** [N, H, W, C] */
  input: TensorSpec;
  /** [G, Y, X, C/G, O/G], channels padded to 4: see pack_weight */
  weight: TensorSpec;
  /** [G * O/G], padded to 4 in each group */
  bias?: TensorSpec | undefined;
  /** [N, H', W', O], added before the activation */
  add?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` of N are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface Conv2dAttributes extends QuadAttributes {
  /** O: the number of output channels, before padding */
  channels: number;
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
  padding?: number;
  dilation?: number;
  groups?: number;
  /** Default: one that runs everywhere. */
  tile?: TileName;
}

export const conv2d: Kernel<Conv2dInputs, Conv2dAttributes> = {
  name: 'conv2d',
  source: [source, conv2d_lib, tile_lib, quads_lib, finish_lib, activation_lib, half_lib].join('\n'),
  dispatch,
};

export const conv2dWorkgroup: Kernel<Conv2dInputs, Conv2dAttributes> = {
  name: 'conv2d_workgroup',
  source: [
    workgroup_source,
    conv2d_lib,
    workgroup_tile_lib,
    quads_lib,
    finish_lib,
    activation_lib,
    half_lib,
  ].join('\n'),
  dispatch,
};

// input [N, H, W, C], weight [G, Y, X, C/G, O/G] -> output [N, H', W', O]
function dispatch(inputs: Conv2dInputs, attributes: Conv2dAttributes): Dispatch {
  const { input, weight, add } = inputs;
  const {
    channels: O,
    window,
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
    store = 'f32',
  } = attributes;
  check(input.shape.length === 4, 'conv2d', 'input [N, H, W, C]', input);
  const [N, H, W, C] = input.shape as [number, number, number, number];
  check(C % groups === 0 && O % groups === 0, 'conv2d', `channels that ${groups} groups divide`, C, O);
  const [inGroup, outGroup] = [C / groups, O / groups];
  const packed = [groups, ...window, padTo4(inGroup), padTo4(outGroup)];
  check(String(weight.shape) === String(packed), 'conv2d', `packed weight [${packed}]`, weight);
  const reach = window.map((n) => dilation * (n - 1) + 1) as [number, number];
  const outHeight = Math.floor((H + 2 * padding - reach[0]) / stride) + 1;
  const outWidth = Math.floor((W + 2 * padding - reach[1]) / stride) + 1;
  check(outHeight > 0 && outWidth > 0, 'conv2d', `an input of at least ${reach} after padding`, input);
  const output: TensorSpec = { shape: [N, outHeight, outWidth, O], dtype: store };
  check(!add || String(add.shape) === String(output.shape), 'conv2d', `residual [${output.shape}]`, add);
  const tile = tileOf(attributes.tile ?? plainTile(outGroup));
  const pixels = N * outHeight * outWidth;
  return {
    outputs: { output },
    constants: {
      ...tileConstants(tile),
      ...quadConstants('conv2d', inputs, inGroup, outGroup, attributes),
      // the stem: a picture's four channels
      ...(tile.memory === 'registers' ? { WIDE: C === 4 && groups === 1 && dilation === 1 } : {}),
    },
    params: {
      pixels,
      height: H,
      width: W,
      channels: C,
      group_channels: inGroup,
      out_height: outHeight,
      out_width: outWidth,
      out_channels: O,
      group_out_channels: outGroup,
      window_height: window[0],
      window_width: window[1],
      stride_y: stride,
      stride_x: stride,
      padding_y: padding,
      padding_x: padding,
      dilation_y: dilation,
      dilation_x: dilation,
      floor: floorOf(attributes.activation),
    },
    workgroups: [...tileGrid(tile, pixels, outGroup), groups],
    macs: pixels * O * window[0] * window[1] * inGroup,
  };
}
