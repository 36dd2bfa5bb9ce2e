// avg_pool2d: torch.nn.functional.avg_pool2d without padding, channels last; also global average pooling.

import source from '../../shaders/avg_pool2d.wgsl?raw';
import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';

export interface AvgPool2dInputs {
  /** [N, H, W, C], C a multiple of 4 */
  input: TensorSpec;
  /** u32 [1]: only the first `count` of N are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface AvgPool2dAttributes {
  /** [Y, X] */
  window: readonly [number, number];
  stride?: number;
}

export const avgPool2d: Kernel<AvgPool2dInputs, AvgPool2dAttributes> = {
  name: 'avg_pool2d',
  source: [source, half_lib, grid_lib].join('\n'),

  // input [N, H, W, C] -> output [N, H', W', C]
  dispatch({ input, count }, { window, stride = 1 }): Dispatch {
    const [N, H, W, C] = input.shape as [number, number, number, number];
    const wanted = 'input [N, H, W, C], C a multiple of 4';
    check(input.shape.length === 4 && C % 4 === 0, 'avg_pool2d', wanted, input);
    check(window[0] <= H && window[1] <= W, 'avg_pool2d', `an input of at least ${window}`, input);
    const outHeight = Math.floor((H - window[0]) / stride) + 1;
    const outWidth = Math.floor((W - window[1]) / stride) + 1;
    const output: TensorSpec = { shape: [N, outHeight, outWidth, C], dtype: input.dtype };
    const items = sizeOf(output) / 4;
    return {
      outputs: { output },
      constants: { Quad: quadOf(input), COUNTED: count !== undefined },
      params: {
        items,
        channels4: C / 4,
        height: H,
        width: W,
        out_height: outHeight,
        out_width: outWidth,
        window_height: window[0],
        window_width: window[1],
        stride,
      },
      workgroups: grid(items, 64),
      macs: 0,
    };
  },
};
