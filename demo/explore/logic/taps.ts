// Which numbers of its input a weighted layer multiplies for one number of its output: the window of a convolution, the
// taps of a transposed one that meet a pixel, all bins of a region for a fully connected layer.

import type { NodeInfo } from '../../engine/explore_run';
import { stepOf } from './receptive_field';

export interface Place {
  readonly y: number;
  readonly x: number;
}

export interface Window {
  readonly rows: number;
  readonly columns: number;
  /** The input's cell that a tap reads for output (y, x); undefined where the tap meets another pixel. */
  cellOf(at: Place, row: number, column: number): Place | undefined;
}

/** undefined where the node is no product of inputs and weights. */
export function windowOf(node: NodeInfo): Window | undefined {
  if (node.kernel === 'conv_transpose2d') return transposed(node);
  const step = stepOf(node);
  if (step) {
    const [rows, columns] = step.window;
    const along = (at: number, tap: number) => at * step.stride - step.padding + tap * step.dilation;
    return { rows, columns, cellOf: ({ y, x }, row, column) => ({ y: along(y, row), x: along(x, column) }) };
  }
  return /^linear(_workgroup)?$/.test(node.kernel) ? connected(node) : undefined;
}

/** A tap scatters an input's cell to every `stride`-th pixel: the others have none of it. */
function transposed({ params }: NodeInfo): Window {
  const { stride, padding, dilation } = params as Record<string, number>;
  const along = (at: number, tap: number) => (at + padding! - tap * dilation!) / stride!;
  return {
    rows: params.window_height!,
    columns: params.window_width!,
    cellOf(at, row, column) {
      const [y, x] = [along(at.y, row), along(at.x, column)];
      return Number.isInteger(y) && Number.isInteger(x) ? { y, x } : undefined;
    },
  };
}

/** A region's bins, [R, P, P, C], or its features, [R, F], are all multiplied. */
function connected({ inputs }: NodeInfo): Window | undefined {
  const shape = inputs.find(({ name }) => name === 'input')!.shape;
  if (shape.length !== 2 && shape.length !== 4) return undefined;
  const [rows, columns] = shape.length === 4 ? [shape[1]!, shape[2]!] : [1, 1];
  return { rows, columns, cellOf: (_, y, x) => ({ y, x }) };
}
