// What a region's mask should be: the truth's mask, ROIAligned with the region to the mask head's grid and not
// thresholded, as torchvision's project_masks_on_boxes does. At the truth's borders it has values between 0 and 1.

import type { Box } from './boxes';
import { alignBin, alignValue } from './roi_align';

/** A mask of 0 and 1 in pixels of the resized picture. */
export interface TruthMask {
  readonly height: number;
  readonly width: number;
  readonly data: ArrayLike<number>;
}

/** [side, side] */
export function maskTarget({ height, width, data }: TruthMask, region: Box, side: number): Float32Array {
  const map = { height, width, scale: 1 };
  const at = (y: number, x: number): number => data[y * width + x]!;
  const target = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      target[y * side + x] = alignValue(alignBin(region, map, { bins: side, samples: 0 }, y, x), at);
    }
  }
  return target;
}
