// Tensors that are no maps, as tables: [groups, rows, columns] of numbers, some of them blank.

import type { HostTensor } from '../../../src/index';
import { NONE } from '../../../src/kernels/top_k';
import type { NodeInfo } from '../../engine/explore_run';
import type { At } from './conv_sum';
import type { Slice } from './slices';

export interface Table {
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  /** Rows `first` to before `last` of a group; NaN where there is no number. */
  slice(group: number, first: number, last: number): Slice;
  /** Which number of the tensor stands there. */
  at(group: number, row: number, column: number): At;
}

/** Columns that a plain list is broken into. */
const FOLD = 32;
/** What stands for no index in lists of indices. */
const NO_INDEX = 0xffffffff;

/** How many of the first axis the run has filled: of a node of the heads, as many as there were regions. */
export function filledOf({ shape }: Pick<HostTensor, 'shape'>, { rows }: Pick<NodeInfo, 'rows'>): number {
  return rows && rows.capacity === shape[0] ? rows.count : shape[0]!;
}

/** [N, …, C] as N rows, [G, N, C] as G groups of them, [N] as rows of 32. */
export function tableOf(tensor: HostTensor, node: Pick<NodeInfo, 'rows'>): Table {
  const { shape, data } = tensor;
  const [last, filled] = [shape.at(-1)!, filledOf(tensor, node)];
  const groups = shape.length === 3 ? shape[0]! : 1;
  const columns = shape.length === 1 ? Math.min(filled, FOLD) : last;
  const rows = shape.length === 3 ? shape[1]! : shape.length === 1 ? Math.ceil(filled / columns) : filled;
  const isBlank =
    data instanceof Uint32Array
      ? (value: number | undefined) => value === undefined || value === NO_INDEX
      : (value: number | undefined) => value === undefined || value <= NONE || value >= -NONE;
  return {
    groups,
    rows,
    columns,
    slice(group, first, end) {
      const height = Math.min(end, rows) - first;
      const start = (group * rows + first) * columns;
      const numbers = Float32Array.from({ length: height * columns }, (_, i) => {
        const value = data[start + i];
        return isBlank(value) ? Number.NaN : value!;
      });
      return { data: numbers, height, width: columns };
    },
    at(group, row, column) {
      if (shape.length === 1) return { n: 0, y: 0, x: 0, c: row * columns + column };
      return { n: group * rows + row, y: 0, x: 0, c: column };
    },
  };
}

/** The number of a tensor [N, …, C], each of one cell, that `at` names; blank where there is none. */
export function numberAt({ shape, data }: HostTensor, { n, c }: At): number {
  return data[n * shape.at(-1)! + c] ?? Number.NaN;
}
