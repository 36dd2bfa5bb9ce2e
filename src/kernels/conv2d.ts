// conv2d: any window, stride, padding, dilation and groups; bias, residual and ReLU fused.
// Semantics of torch.nn.functional.conv2d. Also every linear layer over pixels (a 1x1 window).

import source from '../../shaders/conv2d.wgsl?raw';
import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import { check, type Dispatch, f32, type Kernel, type TensorSpec } from './kernel';

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

export interface Conv2dAttributes {
  /** O: the number of output channels, before padding */
  channels: number;
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
  padding?: number;
  dilation?: number;
  groups?: number;
  activation?: 'none' | 'relu';
}

/** Channels of a group, padded to whole vec4s. */
export function padTo4(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

/** Lanes along [pixels, pairs of vec4 of channels], 64 in all: few along channels where there are few. */
export function lanes(groupOutChannels: number): [number, number] {
  return groupOutChannels > 16 ? [8, 8] : [32, 2];
}

/** What an activation cuts off below: a parameter, since a constant would be another variant to compile. */
export function floorOf(activation: 'none' | 'relu' = 'none'): number {
  return activation === 'relu' ? 0 : LOWEST;
}

/** The lowest float32. */
const LOWEST = -3.4028234663852886e38;

export const conv2d: Kernel<Conv2dInputs, Conv2dAttributes> = {
  name: 'conv2d',
  source: `${source}\n${tile_lib}`,

  // input [N, H, W, C], weight [G, Y, X, C/G, O/G] -> output [N, H', W', O]
  dispatch({ input, weight, bias, add, count }, attributes): Dispatch {
    const { channels: O, window, stride = 1, padding = 0, dilation = 1, groups = 1 } = attributes;
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
    const output = f32(N, outHeight, outWidth, O);
    check(!add || String(add.shape) === String(output.shape), 'conv2d', `residual [${output.shape}]`, add);
    const [vecIn, vecOut] = [inGroup % 4 === 0, outGroup % 4 === 0];
    const [lanesX, lanesY] = lanes(outGroup);
    const pixels = N * outHeight * outWidth;
    return {
      outputs: { output },
      constants: {
        LANES_X: lanesX,
        LANES_Y: lanesY,
        VEC_IN: vecIn,
        VEC_OUT: vecOut,
        BIAS: bias !== undefined,
        ADD: add !== undefined,
        COUNTED: count !== undefined,
        In: vecIn ? 'vec4f' : 'f32',
        Out: vecOut ? 'vec4f' : 'f32',
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
      workgroups: [Math.ceil(pixels / (4 * lanesX)), Math.ceil(outGroup / (8 * lanesY)), groups],
      macs: pixels * O * window[0] * window[1] * inGroup,
    };
  },
};
