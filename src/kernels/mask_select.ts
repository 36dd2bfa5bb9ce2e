// mask_select: sigmoid of each detection's own class's mask.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import sigmoid_lib from '../../shaders/lib/sigmoid.wgsl?raw';
import source from '../../shaders/mask_select.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec } from './kernel';

export interface MaskSelectInputs {
  logits: TensorSpec;
  labels: TensorSpec;
  count: TensorSpec;
}

export interface MaskSelectAttributes {
  /** The label of the first channel: 0, or 1 where the background has none. Default: 0. */
  first?: number;
}

// logits [R, M, M, K], labels u32 [R], count u32 [1] -> probabilities [R, M, M]; rows from count on are 0
export const maskSelect: Kernel<MaskSelectInputs, MaskSelectAttributes> = {
  name: 'mask_select',
  source: source + sigmoid_lib + grid_lib,

  dispatch({ logits, labels, count }, { first = 0 }) {
    const [rows, height, width, classes] = logits.shape as [number, number, number, number];
    check(
      logits.shape.length === 4 && height === width && logits.dtype === 'f32',
      'mask_select',
      'f32 logits [R, M, M, K]',
      logits,
    );
    check(
      labels.shape.length === 1 &&
        labels.shape[0] === rows &&
        labels.dtype === 'u32' &&
        count.dtype === 'u32',
      'mask_select',
      `u32 labels [${rows}], u32 count [1]`,
      labels,
      count,
    );
    return {
      outputs: { probabilities: f32(rows, height, width) },
      constants: {},
      params: { rows, pixels: height * width, classes, first },
      workgroups: grid(rows * height * width, 64),
      macs: 0,
    };
  },
};
