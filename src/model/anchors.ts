// The RPN's anchors: Ren et al. 2015, Faster R-CNN (arXiv:1506.01497), section 3.1.1. Rounded, and laid
// on the grid, as torchvision's AnchorGenerator; not rounded, as detectron2 and MMDetection; or as the first Faster
// R-CNN and maskrcnn-benchmark made them, in whole pixels around a box of one stride.

import { roundHalfEven } from './round_half_even';

const { fround, sqrt, floor } = Math;

export const ANCHOR_ROUNDINGS = ['whole', 'none', 'legacy'] as const;
export type AnchorRounding = (typeof ANCHOR_ROUNDINGS)[number];

/**
 * The anchors of a cell, around its corner, as x1 y1 x2 y2 in image pixels: all sizes of the first ratio
 * (height / width), then of the next. -> [ratios * sizes, 4]
 */
export function cellAnchors(
  sizes: readonly number[],
  ratios: readonly number[],
  rounding: AnchorRounding = 'whole',
  stride = 0,
): Float32Array {
  const anchorOf = rounding === 'legacy' ? legacyAnchor(stride) : rounding === 'none' ? exact : whole;
  return Float32Array.from(ratios.flatMap((ratio) => sizes.flatMap((size) => anchorOf(size, ratio))));
}

/** In float32 steps, its corners rounded. */
function whole(size: number, ratio: number): number[] {
  const heightRatio = fround(sqrt(fround(ratio)));
  const widthRatio = fround(1 / heightRatio);
  const x = roundHalfEven(fround(widthRatio * size) / 2);
  const y = roundHalfEven(fround(heightRatio * size) / 2);
  return [-x, -y, x, y];
}

function exact(size: number, ratio: number): number[] {
  const width = sqrt((size * size) / ratio);
  const height = ratio * width;
  return [-width / 2, -height / 2, width / 2, height / 2];
}

/** py-faster-rcnn's generate_anchors: sides are rounded at the stride's size, then scaled; x2 and y2 are included. */
function legacyAnchor(stride: number): (size: number, ratio: number) => number[] {
  return (size, ratio) => {
    const centre = (stride - 1) / 2;
    const width = roundHalfEven(sqrt((stride * stride) / ratio));
    const height = roundHalfEven(width * ratio);
    const [x, y] = [width, height].map((side) => ((size / stride) * side - 1) / 2) as [number, number];
    return [centre - x, centre - y, centre + x, centre + y];
  };
}

/** Image pixels from a cell to the next, [y, x]. Not always a power of two: P6 rounds its size up. */
export function gridStrides(
  padded: readonly [height: number, width: number],
  grid: readonly [height: number, width: number],
): [y: number, x: number] {
  return [floor(padded[0] / grid[0]), floor(padded[1] / grid[1])];
}
