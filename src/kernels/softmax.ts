import grid_source from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/softmax.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec } from './kernel';

export type SoftmaxInputs = {
  input: TensorSpec;
  count?: TensorSpec;
};

// input [R, K], count? u32 [1] -> output [R, K], over the last axis; rows from count on are 0
export const softmax: Kernel<SoftmaxInputs, Record<string, never>> = {
  name: 'softmax',
  source: source + grid_source,

  dispatch({ input, count }) {
    const [rows, classes] = input.shape as [number, number];
    check(
      input.shape.length === 2 && input.dtype === 'f32' && (count?.dtype ?? 'u32') === 'u32',
      'softmax',
      'f32 input [R, K] and perhaps u32 count [1]',
      input,
      count,
    );
    return {
      outputs: { output: f32(rows, classes) },
      constants: { COUNTED: count !== undefined },
      params: { rows, classes },
      workgroups: grid(rows, 64),
      macs: 0,
    };
  },
};
