// paste_mask_bits: masks as bits in their rectangles.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import paste_lib from '../../shaders/lib/paste.wgsl?raw';
import corners_lib from '../../shaders/lib/paste_corners.wgsl?raw';
import source from '../../shaders/paste_mask_bits.wgsl?raw';
import { check, grid, type Kernel, type TensorSpec, u32 } from './kernel';
import { type PasteRule, pasteGrowth } from './paste_rule';

export interface PasteMaskBitsInputs {
  probabilities: TensorSpec;
  image_boxes: TensorSpec;
  regions: TensorSpec;
}

export interface PasteMaskBitsAttributes {
  /** A pixel is set where the pasted probability is above it. */
  threshold: number;
  /** Words in the arena: as mask_regions was told. */
  capacity: number;
  /** Default: whole, as torchvision. */
  paste?: PasteRule;
}

// probabilities [R, M, M], image_boxes [R, 4], regions u32 [R, 6] -> bits u32 [capacity]
export const pasteMaskBits: Kernel<PasteMaskBitsInputs, PasteMaskBitsAttributes> = {
  name: 'paste_mask_bits',
  source: source + paste_lib + corners_lib + grid_lib,

  dispatch({ probabilities, image_boxes, regions }, { threshold, capacity, paste = 'whole' }) {
    const [rows, side] = probabilities.shape as [number, number, number];
    check(
      probabilities.shape.length === 3 && probabilities.shape[2] === side && probabilities.dtype === 'f32',
      'paste_mask_bits',
      'f32 probabilities [R, M, M]',
      probabilities,
    );
    check(
      image_boxes.shape[0] === rows &&
        image_boxes.shape[1] === 4 &&
        regions.dtype === 'u32' &&
        regions.shape[0] === rows &&
        regions.shape[1] === 6,
      'paste_mask_bits',
      `f32 image_boxes [${rows}, 4], u32 regions [${rows}, 6]`,
      image_boxes,
      regions,
    );
    return {
      outputs: { bits: u32(capacity) },
      constants: { CENTRES: paste === 'centres' },
      params: { rows, capacity, side, growth: pasteGrowth(side, paste), threshold },
      workgroups: grid(capacity, 64),
      macs: 0,
    };
  },
};
