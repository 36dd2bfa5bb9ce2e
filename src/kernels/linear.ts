// linear: rows times a matrix, with bias, residual and ReLU fused; also in batches. Semantics of
// torch.nn.functional.linear. One shader computes out of registers, one out of workgroup memory.

import activation_lib from '../../shaders/lib/activation.wgsl?raw';
import finish_lib from '../../shaders/lib/finish.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import linear_lib from '../../shaders/lib/linear.wgsl?raw';
import quads_lib from '../../shaders/lib/quads.wgsl?raw';
import tile_lib from '../../shaders/lib/tile.wgsl?raw';
import workgroup_tile_lib from '../../shaders/lib/workgroup_tile.wgsl?raw';
import source from '../../shaders/linear.wgsl?raw';
import workgroup_source from '../../shaders/linear_workgroup.wgsl?raw';
import { check, type Dispatch, type Kernel, sizeOf, type TensorSpec } from './kernel';
import { floorOf, padTo4, type QuadAttributes, quadConstants } from './quads';
import { plainTile, type TileName, tileConstants, tileGrid, tileOf } from './tile';

export interface LinearInputs {
  /** B * R rows of I numbers, whatever the shape; [R, B * I] if split */
  input: TensorSpec;
  /** [B, I, O], the last two padded to 4: see pack_weight; [B * I, O] if split */
  weight: TensorSpec;
  /** [O], padded to 4 */
  bias?: TensorSpec | undefined;
  /** [B, R, O], added before the activation */
  add?: TensorSpec | undefined;
  /** u32 [1]: only the rows of the first `count` items are computed; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface LinearAttributes extends QuadAttributes {
  /** O */
  outputs: number;
  /** R: how many rows a batch has. Default: the input's first axis. */
  rows?: number;
  /** B. Default 1. */
  batches?: number;
  /** Whether the batches are slices of one long sum: of the columns of the input, and the rows of the weight. */
  split?: boolean;
  /** Rows of an item that `count` counts. Default 1. */
  rowsPerCount?: number;
  /** Default: one that runs everywhere. */
  tile?: TileName;
  /** The output's shape, if another than [R, O] or [B, R, O] of as many numbers is wanted. */
  shape?: readonly number[];
}

export const linear: Kernel<LinearInputs, LinearAttributes> = {
  name: 'linear',
  source: [source, linear_lib, tile_lib, quads_lib, finish_lib, activation_lib, half_lib].join('\n'),
  dispatch,
};

export const linearWorkgroup: Kernel<LinearInputs, LinearAttributes> = {
  name: 'linear_workgroup',
  source: [
    workgroup_source,
    linear_lib,
    workgroup_tile_lib,
    quads_lib,
    finish_lib,
    activation_lib,
    half_lib,
  ].join('\n'),
  dispatch,
};

// input [B, R, I], weight [B, I, O] -> output [B, R, O]
function dispatch(inputs: LinearInputs, attributes: LinearAttributes): Dispatch {
  const { input, weight, add } = inputs;
  const { outputs: O, batches = 1, split = false, rowsPerCount = 1, activation, store = 'f32' } = attributes;
  const R = attributes.rows ?? input.shape[0] ?? 0;
  const I = sizeOf(input) / (R * batches);
  check(Number.isInteger(I), 'linear', `${batches} batches of ${R} rows`, input);
  check(!split || I % 4 === 0, 'linear', `slices of a multiple of 4 inputs in ${batches} batches`, input);
  const quads = (padTo4(I) * padTo4(O)) / 4;
  check(sizeOf(weight) === 4 * quads * batches, 'linear', `packed weight [${batches}, ${I}, ${O}]`, weight);
  const shape = attributes.shape ?? (batches > 1 ? [batches, R, O] : [R, O]);
  const output: TensorSpec = { shape, dtype: store };
  check(sizeOf(output) === batches * R * O, 'linear', `a shape of ${batches * R * O} numbers`, output);
  check(!add || sizeOf(add) === sizeOf(output), 'linear', `residual [${shape}]`, add);
  const tile = tileOf(attributes.tile ?? plainTile(O));
  return {
    outputs: { output },
    constants: {
      ...tileConstants(tile),
      ...quadConstants('linear', inputs, I, O, attributes),
      MASKED: tile.memory === 'workgroup',
    },
    params: {
      rows: R,
      inputs: I,
      outputs: O,
      rows_per_count: rowsPerCount,
      row_stride: split ? I * batches : I,
      input_stride: split ? I : R * I,
      weight_stride: quads,
      floor: floorOf(activation),
    },
    workgroups: [...tileGrid(tile, R, O), batches],
    macs: batches * R * I * O,
  };
}
