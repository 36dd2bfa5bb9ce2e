// mask_regions: which rectangle of the picture each mask covers, and where its bits go.

import corners_lib from '../../shaders/lib/paste_corners.wgsl?raw';
import source from '../../shaders/mask_regions.wgsl?raw';
import { check, type Kernel, type TensorSpec, u32 } from './kernel';
import { type PasteRule, pasteGrowth } from './paste_rule';

export interface MaskRegionsInputs {
  image_boxes: TensorSpec;
  count: TensorSpec;
}

export interface MaskRegionsAttributes {
  /** Of the picture. */
  height: number;
  width: number;
  /** Pixels of a mask a side, 28 in the paper. */
  side: number;
  /** Words in the arena that paste_mask_bits fills. */
  capacity: number;
  /** Default: whole, as torchvision. */
  paste?: PasteRule;
}

// image_boxes [R, 4], count u32 [1] -> regions u32 [R, 6], used u32 [1]
export const maskRegions: Kernel<MaskRegionsInputs, MaskRegionsAttributes> = {
  name: 'mask_regions',
  source: source + corners_lib,

  dispatch({ image_boxes, count }, { height, width, side, capacity, paste = 'whole' }) {
    const [rows, four] = image_boxes.shape as [number, number];
    check(
      image_boxes.shape.length === 2 && four === 4 && image_boxes.dtype === 'f32' && count.dtype === 'u32',
      'mask_regions',
      'f32 image_boxes [R, 4], u32 count [1]',
      image_boxes,
      count,
    );
    check(side > 0 && capacity > 0, 'mask_regions', 'a positive side and capacity', side, capacity);
    return {
      outputs: { regions: u32(rows, 6), used: u32(1) },
      constants: { CENTRES: paste === 'centres' },
      params: { rows, height, width, capacity, growth: pasteGrowth(side, paste) },
      workgroups: [1, 1, 1],
      macs: 0,
    };
  },
};
