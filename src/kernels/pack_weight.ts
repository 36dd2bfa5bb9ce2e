// pack_weight: a checkpoint's weight to the layout of conv2d, linear and conv_transpose2d, dtype and batch
// norm's scale included.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/pack_weight.wgsl?raw';
import { padTo4 } from './conv2d';
import { check, type Dispatch, f32, grid, type Kernel, sizeOf, type TensorSpec } from './kernel';

export interface PackWeightInputs {
  /** u32: the tensor's bytes as they are in the file */
  raw: TensorSpec;
  /** [O], the factor of each output channel */
  scale?: TensorSpec | undefined;
}

export interface PackWeightAttributes {
  /** Shape in the file: [O, I, Y, X], or [I, O, Y, X] if transposed. */
  shape: readonly [number, number, number, number];
  dtype: 'F32' | 'F16' | 'BF16';
  groups?: number;
  transposed?: boolean;
}

const DTYPES = { F32: 32, F16: 16, BF16: 116 };

/** [G, Y, X, I, O/G] with the last two padded to 4: the shape that matrix products read. */
export function packedShape({ shape, groups = 1, transposed = false }: PackWeightAttributes): number[] {
  const [outputs, inputs] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
  return [groups, shape[2], shape[3], padTo4(inputs), padTo4(outputs / groups)];
}

export const packWeight: Kernel<PackWeightInputs, PackWeightAttributes> = {
  name: 'pack_weight',
  source: `${source}\n${grid_lib}`,

  // raw [O, I, Y, X] -> packed [G, Y, X, I, O/G]
  dispatch({ raw, scale }, attributes): Dispatch {
    const { shape, dtype, groups = 1, transposed = false } = attributes;
    const [outputs, inputs] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
    const elements = shape.reduce((a, b) => a * b, 1);
    const words = Math.ceil((elements * (dtype === 'F32' ? 4 : 2)) / 4);
    check(sizeOf(raw) >= words, 'pack_weight', `${words} words for ${dtype} [${shape}]`, raw);
    check(!scale || sizeOf(scale) === outputs, 'pack_weight', `scale [${outputs}]`, scale);
    const packed = f32(...packedShape(attributes));
    const items = sizeOf(packed) / 4;
    return {
      outputs: { packed },
      constants: { DTYPE: DTYPES[dtype], SCALE: scale !== undefined, TRANSPOSED: transposed },
      params: {
        items,
        inputs,
        group_outputs: outputs / groups,
        outputs,
        taps: shape[2] * shape[3],
      },
      workgroups: grid(items, 64),
      macs: 0,
    };
  },
};
