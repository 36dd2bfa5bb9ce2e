// upsample_add: nearest-neighbour resize to the lateral's size, and add. FPN's top-down step.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import source from '../../shaders/upsample_add.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';

export interface UpsampleAddInputs {
  /** [N, H, W, C], C a multiple of 4 */
  lateral: TensorSpec;
  /** [N, h, w, C] */
  coarse: TensorSpec;
}

export const upsampleAdd: Kernel<UpsampleAddInputs, Record<string, never>> = {
  name: 'upsample_add',
  source: [source, half_lib, grid_lib].join('\n'),

  // lateral [N, H, W, C], coarse [N, h, w, C] -> output [N, H, W, C]
  dispatch({ lateral, coarse }): Dispatch {
    const [N, H, W, C] = lateral.shape as [number, number, number, number];
    const [n, h, w, c] = coarse.shape as [number, number, number, number];
    check(
      n === N && c === C && C % 4 === 0 && lateral.dtype === coarse.dtype,
      'upsample_add',
      'two maps [N, H, W, C] of the same dtype, N and C, C a multiple of 4',
      lateral,
      coarse,
    );
    const items = sizeOf(lateral) / 4;
    return {
      outputs: { output: { shape: [N, H, W, C], dtype: lateral.dtype } },
      constants: { Quad: quadOf(lateral) },
      params: {
        items,
        height: H,
        width: W,
        channels4: C / 4,
        coarse_height: h,
        coarse_width: w,
        scale_y: h / H,
        scale_x: w / W,
      },
      workgroups: grid(items, 64),
      macs: 0,
    };
  },
};
