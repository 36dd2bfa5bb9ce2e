// conv_transpose2d: the upsampling convolution of the mask head (2x2, stride 2), and the general case.
// Semantics of torch.nn.functional.conv_transpose2d with groups = 1.

import source from '../../shaders/conv_transpose2d.wgsl?raw';
import activation_lib from '../../shaders/lib/activation.wgsl?raw';
import finish_lib from '../../shaders/lib/finish.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import quads_lib from '../../shaders/lib/quads.wgsl?raw';
import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import { check, type Dispatch, type Kernel, type TensorSpec } from './kernel';
import { floorOf, padTo4, type QuadAttributes, quadConstants } from './quads';
import { plainTile, type TileName, tileConstants, tileGrid, tileOf } from './tile';

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

export interface ConvTranspose2dAttributes extends QuadAttributes {
  /** O */
  channels: number;
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
  padding?: number;
  outputPadding?: number;
  dilation?: number;
  /** One in registers. Default: one that runs everywhere. */
  tile?: TileName;
}

export const convTranspose2d: Kernel<ConvTranspose2dInputs, ConvTranspose2dAttributes> = {
  name: 'conv_transpose2d',
  source: [source, tile_lib, quads_lib, finish_lib, activation_lib, half_lib].join('\n'),

  // input [N, H, W, C], weight [1, Y, X, C, O] -> output [N, H', W', O]
  dispatch(inputs, attributes): Dispatch {
    const { input, weight } = inputs;
    const { channels: O, window, stride = 1, padding = 0, outputPadding = 0, dilation = 1 } = attributes;
    const { store = 'f32' } = attributes;
    check(input.shape.length === 4, 'conv_transpose2d', 'input [N, H, W, C]', input);
    const [N, H, W, C] = input.shape as [number, number, number, number];
    const packed = [1, ...window, padTo4(C), padTo4(O)];
    check(String(weight.shape) === String(packed), 'conv_transpose2d', `packed weight [${packed}]`, weight);
    const outSize = (size: number, taps: number): number =>
      (size - 1) * stride - 2 * padding + dilation * (taps - 1) + 1 + outputPadding;
    const [outHeight, outWidth] = [outSize(H, window[0]), outSize(W, window[1])];
    check(outHeight > 0 && outWidth > 0, 'conv_transpose2d', 'an output of at least 1x1', input);
    const [phaseHeight, phaseWidth] = [Math.ceil(outHeight / stride), Math.ceil(outWidth / stride)];
    const tile = tileOf(attributes.tile ?? plainTile(O));
    check(tile.memory === 'registers', 'conv_transpose2d', 'a tile in registers', attributes.tile);
    return {
      outputs: { output: { shape: [N, outHeight, outWidth, O], dtype: store } },
      constants: { ...tileConstants(tile), ...quadConstants('conv_transpose2d', inputs, C, O, attributes) },
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
      workgroups: [...tileGrid(tile, N * phaseHeight * phaseWidth, O), stride * stride],
      macs: N * H * W * C * O * window[0] * window[1],
    };
  },
};
