// How a mask is pasted into the picture: a constant of the kernels that do it, and what its box grows by.

/**
 * whole: torchvision's paste_masks_in_image and maskrcnn-benchmark's: the box is cut to whole pixels, a bilinear
 * resize, set above the threshold. centres: detectron2's and MMDetection's: read at the middle of each pixel, set at
 * the threshold and above.
 */
export const PASTE_RULES = ['whole', 'centres'] as const;
export type PasteRule = (typeof PASTE_RULES)[number];

/** What a box grows by: of `whole` the ring's cells, of `centres` as far as they are felt. */
export function pasteGrowth(side: number, rule: PasteRule): number {
  return Math.fround((side + (rule === 'whole' ? 2 : 1)) / side);
}
