// The RPN's anchors: Ren et al. 2015, Faster R-CNN (arXiv:1506.01497), section 3.1.1. Rounded, and laid
// on the grid, as torchvision's AnchorGenerator; its arithmetic is float32.

import { roundHalfEven } from './round_half_even';

const { fround, sqrt, floor } = Math;

/**
 * The anchors of a cell, around its corner, as x1 y1 x2 y2 in image pixels: all sizes of the first ratio
 * (height / width), then of the next. -> [ratios * sizes, 4]
 */
export function cellAnchors(sizes: readonly number[], ratios: readonly number[]): Float32Array {
  const anchors = ratios.flatMap((ratio) => {
    const heightRatio = fround(sqrt(fround(ratio)));
    const widthRatio = fround(1 / heightRatio);
    return sizes.flatMap((size) => {
      const x = roundHalfEven(fround(widthRatio * size) / 2);
      const y = roundHalfEven(fround(heightRatio * size) / 2);
      return [-x, -y, x, y];
    });
  });
  return Float32Array.from(anchors);
}

/** Image pixels from a cell to the next, [y, x]. Not always a power of two: P6 rounds its size up. */
export function gridStrides(
  padded: readonly [height: number, width: number],
  grid: readonly [height: number, width: number],
): [y: number, x: number] {
  return [floor(padded[0] / grid[0]), floor(padded[1] / grid[1])];
}
