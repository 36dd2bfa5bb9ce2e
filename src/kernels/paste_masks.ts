// paste_masks: soft masks over the whole picture: torchvision paste_masks_in_image.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import paste_lib from '../../shaders/lib/paste.wgsl?raw';
import corners_lib from '../../shaders/lib/paste_corners.wgsl?raw';
import source from '../../shaders/paste_masks.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec } from './kernel';
import { type PasteRule, pasteGrowth } from './paste_rule';

export interface PasteMasksInputs {
  probabilities: TensorSpec;
  image_boxes: TensorSpec;
  count: TensorSpec;
}

export interface PasteMasksAttributes {
  /** Of the picture. */
  height: number;
  width: number;
  /** Default: whole, as torchvision. */
  paste?: PasteRule;
}

// probabilities [R, M, M], image_boxes [R, 4], count u32 [1] -> pasted [R, H, W]; rows from count on are 0
export const pasteMasks: Kernel<PasteMasksInputs, PasteMasksAttributes> = {
  name: 'paste_masks',
  source: source + paste_lib + corners_lib + grid_lib,

  dispatch({ probabilities, image_boxes, count }, { height, width, paste = 'whole' }) {
    const [rows, side] = probabilities.shape as [number, number, number];
    check(
      probabilities.shape.length === 3 && probabilities.shape[2] === side && probabilities.dtype === 'f32',
      'paste_masks',
      'f32 probabilities [R, M, M]',
      probabilities,
    );
    check(
      image_boxes.shape[0] === rows && image_boxes.shape[1] === 4 && count.dtype === 'u32',
      'paste_masks',
      `f32 image_boxes [${rows}, 4], u32 count [1]`,
      image_boxes,
      count,
    );
    return {
      outputs: { pasted: f32(rows, height, width) },
      constants: { CENTRES: paste === 'centres' },
      params: { rows, height, width, side, growth: pasteGrowth(side, paste) },
      workgroups: grid(rows * height * width, 64),
      macs: 0,
    };
  },
};
