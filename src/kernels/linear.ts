// linear: a fully connected layer with bias and ReLU fused. Semantics of torch.nn.functional.linear.

import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import source from '../../shaders/linear.wgsl?raw';
import { floorOf, lanes, padTo4 } from './conv2d';
import { check, type Dispatch, f32, type Kernel, sizeOf, type TensorSpec } from './kernel';

export interface LinearInputs {
  /** [R, ...]: all but the first axis are one row of I inputs */
  input: TensorSpec;
  /** [I, O], both padded to 4: see pack_weight */
  weight: TensorSpec;
  /** [O], padded to 4 */
  bias?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` rows are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface LinearAttributes {
  /** O */
  outputs: number;
  activation?: 'none' | 'relu';
}

export const linear: Kernel<LinearInputs, LinearAttributes> = {
  name: 'linear',
  source: `${source}\n${tile_lib}`,

  // input [R, I], weight [I, O] -> output [R, O]
  dispatch({ input, weight, bias, count }, { outputs: O, activation }): Dispatch {
    const R = input.shape[0] ?? 0;
    const I = sizeOf(input) / R;
    const packed = [padTo4(I), padTo4(O)];
    check(String(weight.shape) === String(packed), 'linear', `packed weight [${packed}]`, weight);
    const [vecIn, vecOut] = [I % 4 === 0, O % 4 === 0];
    const [lanesX, lanesY] = lanes(O);
    return {
      outputs: { output: f32(R, O) },
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
      params: { rows: R, inputs: I, outputs: O, floor: floorOf(activation) },
      workgroups: [Math.ceil(R / (4 * lanesX)), Math.ceil(O / (8 * lanesY)), 1],
      macs: R * I * O,
    };
  },
};
