// conv_transpose2d: the upsampling convolution of the mask head (2x2, stride 2), and the general case.
// Semantics of torch.nn.functional.conv_transpose2d with groups = 1.

import source from '../../shaders/conv_transpose2d.wgsl?raw';
import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import { floorOf, lanes, padTo4 } from './conv2d';
import { check, type Dispatch, f32, type Kernel, type TensorSpec } from './kernel';

export interface ConvTranspose2dInputs {
  /** [N, H, W, C] */
  input: TensorSpec;
  /** [1, Y, X, C, O], channels padded to 4: see pack_weight */
  weight: TensorSpec;
  /** [O], padded to 4 */
  bias?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` of N are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface ConvTranspose2dAttributes {
  /** O */
  channels: number;
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
  padding?: number;
  outputPadding?: number;
  dilation?: number;
  activation?: 'none' | 'relu';
}

export const convTranspose2d: Kernel<ConvTranspose2dInputs, ConvTranspose2dAttributes> = {
  name: 'conv_transpose2d',
  source: `${source}\n${tile_lib}`,

  // input [N, H, W, C], weight [1, Y, X, C, O] -> output [N, H', W', O]
  dispatch({ input, weight, bias, count }, attributes): Dispatch {
    const { channels: O, window, stride = 1, padding = 0, outputPadding = 0, dilation = 1 } = attributes;
    check(input.shape.length === 4, 'conv_transpose2d', 'input [N, H, W, C]', input);
    const [N, H, W, C] = input.shape as [number, number, number, number];
    const packed = [1, ...window, padTo4(C), padTo4(O)];
    check(String(weight.shape) === String(packed), 'conv_transpose2d', `packed weight [${packed}]`, weight);
    const outSize = (size: number, taps: number): number =>
      (size - 1) * stride - 2 * padding + dilation * (taps - 1) + 1 + outputPadding;
    const [outHeight, outWidth] = [outSize(H, window[0]), outSize(W, window[1])];
    check(outHeight > 0 && outWidth > 0, 'conv_transpose2d', 'an output of at least 1x1', input);
    const [phaseHeight, phaseWidth] = [Math.ceil(outHeight / stride), Math.ceil(outWidth / stride)];
    const [vecIn, vecOut] = [C % 4 === 0, O % 4 === 0];
    const [lanesX, lanesY] = lanes(O);
    return {
      outputs: { output: f32(N, outHeight, outWidth, O) },
      constants: {
        LANES_X: lanesX,
        LANES_Y: lanesY,
        VEC_IN: vecIn,
        VEC_OUT: vecOut,
        BIAS: bias !== undefined,
        COUNTED: count !== undefined,
        In: vecIn ? 'vec4f' : 'f32',
        Out: vecOut ? 'vec4f' : 'f32',
      },
      params: {
        batch: N,
        height: H,
        width: W,
        channels: C,
        out_height: outHeight,
        out_width: outWidth,
        out_channels: O,
        phase_height: phaseHeight,
        phase_width: phaseWidth,
        window_height: window[0],
        window_width: window[1],
        stride,
        padding,
        dilation,
        floor: floorOf(attributes.activation),
      },
      workgroups: [
        Math.ceil((N * phaseHeight * phaseWidth) / (4 * lanesX)),
        Math.ceil(O / (8 * lanesY)),
        stride * stride,
      ],
      macs: N * H * W * C * O * window[0] * window[1],
    };
  },
};
