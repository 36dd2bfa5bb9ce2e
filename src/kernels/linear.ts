// linear: a fully connected layer with bias and ReLU fused. Semantics of torch.nn.functional.linear.

import source from '../../shaders/linear.wgsl?raw';
import { lanes, padTo4 } from './conv2d';
import { check, type Dispatch, f32, type Kernel, sizeOf, type TensorSpec } from './kernel';

export interface LinearInputs {
  /** [R, ...]: all but the first axis are one row of I inputs, I a multiple of 4 */
  input: TensorSpec;
  /** [I, O], O padded to 4: see pack_weight */
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
  source,

  // input [R, I], weight [I, O] -> output [R, O]
  dispatch({ input, weight, bias, count }, { outputs: O, activation }): Dispatch {
    const R = input.shape[0] ?? 0;
    const I = sizeOf(input) / R;
    check(I % 4 === 0, 'linear', 'input [R, I] with I a multiple of 4', input);
    check(
      String(weight.shape) === `${I},${padTo4(O)}`,
      'linear',
      `packed weight [${I}, ${padTo4(O)}]`,
      weight,
    );
    const vecOut = O % 4 === 0;
    const [lanesX, lanesY] = lanes(O);
    return {
      outputs: { output: f32(R, O) },
      constants: {
        LANES_X: lanesX,
        LANES_Y: lanesY,
        VEC_OUT: vecOut,
        BIAS: bias !== undefined,
        RELU: activation === 'relu',
        COUNTED: count !== undefined,
        Out: vecOut ? 'vec4f' : 'f32',
      },
      params: { rows: R, inputs: I, outputs: O },
      workgroups: [Math.ceil(R / (4 * lanesX)), Math.ceil(O / (8 * lanesY)), 1],
      macs: R * I * O,
    };
  },
};
