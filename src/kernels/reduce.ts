// reduce: the sum of a split product's slices (linear with `split`), with bias, residual and ReLU.

import activation_lib from '../../shaders/lib/activation.wgsl?raw';
import finish_lib from '../../shaders/lib/finish.wgsl?raw';
import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import source from '../../shaders/reduce.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, type TensorSpec } from './kernel';
import { floorOf, type QuadAttributes } from './quads';

export interface ReduceInputs {
  /** f32 [B, R, O], O a multiple of 4 */
  parts: TensorSpec;
  /** [O] */
  bias?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` rows are summed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export const reduce: Kernel<ReduceInputs, QuadAttributes> = {
  name: 'reduce',
  source: [source, finish_lib, activation_lib, half_lib, grid_lib].join('\n'),

  // parts [B, R, O] -> output [R, O]
  dispatch({ parts, bias, count }, { activation, store = 'f32', scaled = false }): Dispatch {
    const [B, R, O] = parts.shape as [number, number, number];
    check(
      parts.shape.length === 3 && parts.dtype === 'f32' && O % 4 === 0,
      'reduce',
      'parts f32 [B, R, O], O a multiple of 4',
      parts,
    );
    const output: TensorSpec = { shape: [R, O], dtype: store };
    return {
      outputs: { output },
      constants: {
        BIAS: bias !== undefined,
        SCALE: scaled,
        COUNTED: count !== undefined,
        HARD_SWISH: activation === 'hard_swish',
        Out: quadOf(output),
      },
      params: { batches: B, rows: R, outputs4: O / 4, floor: floorOf(activation) },
      workgroups: grid((R * O) / 4, 64),
      macs: 0,
    };
  },
};
