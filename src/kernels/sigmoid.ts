import grid_source from '../../shaders/lib/grid.wgsl?raw';
import sigmoid_source from '../../shaders/lib/sigmoid.wgsl?raw';
import source from '../../shaders/sigmoid.wgsl?raw';
import { check, f32, grid, type Kernel, sizeOf, type TensorSpec } from './kernel';

export type SigmoidInputs = { input: TensorSpec };

// input [...] -> output [...]
export const sigmoid: Kernel<SigmoidInputs, Record<string, never>> = {
  name: 'sigmoid',
  source: source + sigmoid_source + grid_source,

  dispatch({ input }) {
    check(input.dtype === 'f32', 'sigmoid', 'f32 input', input);
    const size = sizeOf(input);
    return {
      outputs: { output: f32(...input.shape) },
      constants: {},
      params: { size },
      workgroups: grid(size, 256),
      macs: 0,
    };
  },
};
