// max_pool2d: torch.nn.functional.max_pool2d, channels last.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import source from '../../shaders/max_pool2d.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';

export interface MaxPool2dInputs {
  /** [N, H, W, C], C a multiple of 4 */
  input: TensorSpec;
}

export interface MaxPool2dAttributes {
  window: number;
  stride: number;
  /** at most half the window, as in PyTorch */
  padding?: number;
}

export const maxPool2d: Kernel<MaxPool2dInputs, MaxPool2dAttributes> = {
  name: 'max_pool2d',
  source: [source, half_lib, grid_lib].join('\n'),

  // input [N, H, W, C] -> output [N, H', W', C]
  dispatch({ input }, { window, stride, padding = 0 }): Dispatch {
    const [N, H, W, C] = input.shape as [number, number, number, number];
    check(
      input.shape.length === 4 && C % 4 === 0,
      'max_pool2d',
      'input [N, H, W, C], C a multiple of 4',
      input,
    );
    check(2 * padding <= window, 'max_pool2d', 'a padding of at most half the window', padding);
    const outSize = (size: number): number => Math.floor((size + 2 * padding - window) / stride) + 1;
    const output: TensorSpec = { shape: [N, outSize(H), outSize(W), C], dtype: input.dtype };
    check(
      outSize(H) > 0 && outSize(W) > 0,
      'max_pool2d',
      `an input of at least ${window} after padding`,
      input,
    );
    const items = sizeOf(output) / 4;
    return {
      outputs: { output },
      constants: { Quad: quadOf(input) },
      params: {
        items,
        height: H,
        width: W,
        channels4: C / 4,
        out_height: outSize(H),
        out_width: outSize(W),
        window,
        stride,
        padding,
      },
      workgroups: grid(items, 64),
      macs: 0,
    };
  },
};
