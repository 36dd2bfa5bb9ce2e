// scale_channels: the end of squeeze and excitation: each channel times the hard sigmoid of its gate.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import source from '../../shaders/scale_channels.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';

export interface ScaleChannelsInputs {
  /** [N, H, W, C], C a multiple of 4 */
  input: TensorSpec;
  /** [N, 1, 1, C] */
  gate: TensorSpec;
}

export const scaleChannels: Kernel<ScaleChannelsInputs, Record<string, never>> = {
  name: 'scale_channels',
  source: [source, half_lib, grid_lib].join('\n'),

  // input [N, H, W, C], gate [N, 1, 1, C] -> output [N, H, W, C]
  dispatch({ input, gate }): Dispatch {
    const [N, H, W, C] = input.shape as [number, number, number, number];
    check(
      input.shape.length === 4 && C % 4 === 0 && sizeOf(gate) === N * C && gate.dtype === input.dtype,
      'scale_channels',
      'input [N, H, W, C], C a multiple of 4, and a gate [N, 1, 1, C] of its dtype',
      input,
      gate,
    );
    const items = sizeOf(input) / 4;
    return {
      outputs: { output: { shape: input.shape, dtype: input.dtype } },
      constants: { Quad: quadOf(input) },
      params: { items, quads: C / 4, pixels: H * W },
      workgroups: grid(items, 64),
      macs: 0,
    };
  },
};
