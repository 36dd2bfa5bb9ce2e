// pack_weight: a checkpoint's weight to the layout of conv2d, linear and conv_transpose2d, dtype and batch
// norm's scale included. winograd_weight: the same for Winograd's convolution.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import raw_weight_lib from '../../shaders/lib/raw_weight.wgsl?raw';
import winograd_lib from '../../shaders/lib/winograd.wgsl?raw';
import source from '../../shaders/pack_weight.wgsl?raw';
import winograd_source from '../../shaders/winograd_weight.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, quadOf, sizeOf, type TensorSpec } from './kernel';
import { padTo4 } from './quads';
import { pointsOf, type Step, someOf } from './winograd';

export interface PackWeightInputs {
  /** u32: the tensor's bytes as they are in the file */
  raw: TensorSpec;
  /** [O], the factor of each output channel; [2 O] for U8: then what is subtracted from it before */
  scale?: TensorSpec | undefined;
}

export interface PackWeightAttributes {
  /** Shape in the file: [O, I, Y, X], or [I, O, Y, X] if transposed. */
  shape: readonly [number, number, number, number];
  /** In the file; F64 arrives here rounded to F32. */
  dtype: 'F64' | 'F32' | 'F16' | 'BF16' | 'I8' | 'U8';
  groups?: number;
  transposed?: boolean;
  /** For Winograd's convolution of this step. */
  winograd?: Step | undefined;
  /** The packed weight's dtype. */
  store?: 'f32' | 'f16';
}

const DTYPES = { F64: 32, F32: 32, F16: 16, BF16: 116, I8: 8, U8: 108 };
const BYTES = { F64: 4, F32: 4, F16: 2, BF16: 2, I8: 1, U8: 1 };

/** Bytes of a raw weight of this shape, as it arrives. */
export function rawBytes({ shape, dtype }: Pick<PackWeightAttributes, 'shape' | 'dtype'>): number {
  return shape.reduce((a, b) => a * b, BYTES[dtype]);
}

/** [G, Y, X, I, O/G], or [P P, I, O] for Winograd, the last two padded to 4: what matrix products read. */
export function packedShape(attributes: PackWeightAttributes): number[] {
  const { shape, groups = 1, transposed = false, winograd } = attributes;
  const [outputs, inputs] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
  const taps = winograd ? [pointsOf(winograd)] : [groups, shape[2], shape[3]];
  return [...taps, padTo4(inputs), padTo4(outputs / groups)];
}

export const packWeight: Kernel<PackWeightInputs, PackWeightAttributes> = {
  name: 'pack_weight',
  source: [source, raw_weight_lib, half_lib, grid_lib].join('\n'),

  // raw [O, I, Y, X] -> packed [G, Y, X, I, O/G]
  dispatch(inputs, attributes): Dispatch {
    const dispatch = packing('pack_weight', inputs, attributes, 4);
    const Packed = quadOf(dispatch.outputs.packed!);
    return { ...dispatch, constants: { ...dispatch.constants, Packed } };
  },
};

export const winogradWeight: Kernel<PackWeightInputs, PackWeightAttributes> = {
  name: 'winograd_weight',
  source: [winograd_source, raw_weight_lib, winograd_lib, half_lib, grid_lib].join('\n'),

  // raw [O, I, 3, 3] -> packed [P P, I, O]
  dispatch(inputs, attributes): Dispatch {
    const { shape, groups = 1, winograd, store = 'f32' } = attributes;
    const fits = winograd && groups === 1 && shape[2] === 3 && shape[3] === 3;
    check(Boolean(fits), 'winograd_weight', '[O, I, 3, 3] of one group, and a step', `[${shape}]`);
    const dispatch = packing(
      'winograd_weight',
      inputs,
      attributes,
      pointsOf(winograd as Step) * (store === 'f16' ? 2 : 1),
    );
    return {
      ...dispatch,
      constants: {
        ...dispatch.constants,
        Packed: store === 'f16' ? 'u32' : 'f32',
        Some: someOf(store),
        STEP: winograd as Step,
      },
    };
  },
};

/** The kernel that packs a weight for what will read it. */
export function packingKernel({ winograd }: PackWeightAttributes): typeof packWeight {
  return winograd ? winogradWeight : packWeight;
}

/** One invocation writes `each` numbers. */
function packing(
  op: string,
  { raw, scale }: PackWeightInputs,
  attributes: PackWeightAttributes,
  each: number,
): Dispatch {
  const { shape, dtype, groups = 1, transposed = false, store = 'f32' } = attributes;
  const [outputs, inputs] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
  const words = Math.ceil(rawBytes(attributes) / 4);
  check(sizeOf(raw) >= words, op, `${words} words for ${dtype} [${shape}]`, raw);
  const factors = outputs * (dtype === 'U8' ? 2 : 1);
  const scaled = scale ? sizeOf(scale) === factors : dtype !== 'U8';
  check(scaled, op, `scale [${factors}]`, scale ?? raw);
  const packed: TensorSpec = { shape: packedShape(attributes), dtype: store };
  const items = sizeOf(packed) / each;
  return {
    outputs: { packed },
    constants: {
      DTYPE: DTYPES[dtype],
      SCALE: scale !== undefined,
      TRANSPOSED: transposed,
    },
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
}
