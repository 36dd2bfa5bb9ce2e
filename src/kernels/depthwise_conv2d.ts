// depthwise_conv2d: conv2d where every channel has a window of its own; bias and ReLU fused.
// Semantics of torch.nn.functional.conv2d with groups = channels = outputs.

import source from '../../shaders/depthwise_conv2d.wgsl?raw';
import activation_lib from '../../shaders/lib/activation.wgsl?raw';
import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';
import { type Activation, floorOf, padTo4 } from './quads';

export interface DepthwiseConv2dInputs {
  /** [N, H, W, C], C a multiple of 4 */
  input: TensorSpec;
  /** [Y * X, C], taps padded to 4: pack_weight of a [C, Y * X, 1, 1] */
  weight: TensorSpec;
  /** [C] */
  bias?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` of N are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface DepthwiseConv2dAttributes {
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
  padding?: number;
  dilation?: number;
  activation?: Activation;
}

export const depthwiseConv2d: Kernel<DepthwiseConv2dInputs, DepthwiseConv2dAttributes> = {
  name: 'depthwise_conv2d',
  source: [source, activation_lib, half_lib, grid_lib].join('\n'),

  // input [N, H, W, C], weight [Y * X, C] -> output [N, H', W', C]
  dispatch({ input, weight, bias, count }, attributes): Dispatch {
    const { window, stride = 1, padding = 0, dilation = 1, activation } = attributes;
    const [N, H, W, C] = input.shape as [number, number, number, number];
    const wanted = 'input [N, H, W, C], C a multiple of 4';
    check(input.shape.length === 4 && C % 4 === 0, 'depthwise_conv2d', wanted, input);
    const packed = [padTo4(window[0] * window[1]), C];
    check(
      sizeOf(weight) === packed[0]! * packed[1]!,
      'depthwise_conv2d',
      `packed weight [${packed}]`,
      weight,
    );
    check(!bias || sizeOf(bias) === C, 'depthwise_conv2d', `bias [${C}]`, bias);
    const reach = window.map((n) => dilation * (n - 1) + 1) as [number, number];
    const outHeight = Math.floor((H + 2 * padding - reach[0]) / stride) + 1;
    const outWidth = Math.floor((W + 2 * padding - reach[1]) / stride) + 1;
    const atLeast = `an input of at least ${reach} after padding`;
    check(outHeight > 0 && outWidth > 0, 'depthwise_conv2d', atLeast, input);
    const output: TensorSpec = { shape: [N, outHeight, outWidth, C], dtype: input.dtype };
    const [quads, strips] = [C / 4, Math.ceil(outWidth / 4)];
    const items = N * outHeight * strips * quads;
    return {
      outputs: { output },
      constants: {
        Quad: quadOf(input),
        BIAS: bias !== undefined,
        COUNTED: count !== undefined,
        HARD_SWISH: activation === 'hard_swish',
      },
      params: {
        items,
        quads,
        strips,
        height: H,
        width: W,
        out_height: outHeight,
        out_width: outWidth,
        window_height: window[0],
        window_width: window[1],
        stride_y: stride,
        stride_x: stride,
        padding_y: padding,
        padding_x: padding,
        dilation_y: dilation,
        dilation_x: dilation,
        floor: floorOf(activation),
      },
      workgroups: grid(items, 64),
      macs: sizeOf(output) * window[0] * window[1],
    };
  },
};
