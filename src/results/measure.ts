// Size, place and outline of an object, in pixels of the picture.

import type { MaskRegion } from '../rle';

export interface Measures {
  /** Pixels of the mask. */
  area: number;
  /** x, y: the mean of the pixels' centres, in the boxes' coordinates; null where there is no pixel. */
  centroid: [x: number, y: number] | null;
  /** Length of the outline, holes included. */
  perimeter: number;
}

// Length that a border pixel adds, by its code: 1, plus 2 for each border pixel beside it, plus 10 for each one
// diagonal to it. Benkrid, Crookes: Design and FPGA implementation of a perimeter estimator (2000).
const STRAIGHT = [5, 7, 15, 17, 25, 27]; // 1
const DIAGONAL = [21, 33]; // sqrt(2)
const CORNER = [13, 23]; // (1 + sqrt(2)) / 2

/** Of a mask that is zero outside `region`. The perimeter is scikit-image's `measure.perimeter(mask, 4)`. */
export function measureMask({ x, y, width, height, data }: MaskRegion): Measures {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  // [height + 2, width + 2]: pixels of the mask with one beside them that is not in it; a frame of zeros
  const stride = width + 2;
  const border = new Uint8Array(stride * (height + 2));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      if (data[at] === 0) continue;
      area++;
      sumX += column;
      sumY += row;
      const inside =
        row > 0 &&
        row < height - 1 &&
        column > 0 &&
        column < width - 1 &&
        data[at - width]! + data[at + width]! + data[at - 1]! + data[at + 1]! === 4;
      if (!inside) border[(row + 1) * stride + column + 1] = 1;
    }
  }
  return {
    area,
    centroid: area === 0 ? null : [rounded(x + sumX / area + 0.5), rounded(y + sumY / area + 0.5)],
    perimeter: rounded(outline(border, stride)),
  };
}

/** Of an object without a mask: those of its box. */
export function measureBox([x, y, width, height]: readonly [number, number, number, number]): Measures {
  return {
    area: Math.round(width * height),
    centroid: [rounded(x + width / 2), rounded(y + height / 2)],
    perimeter: rounded(2 * (width + height)),
  };
}

/** To 1/10000 of a pixel. */
export function rounded(pixels: number): number {
  return Math.round(pixels * 1e4) / 1e4;
}

/** Length of the lines through the border pixels' centres. */
function outline(border: Uint8Array, stride: number): number {
  const pixels = new Array<number>(50).fill(0); // by code
  for (let at = stride + 1; at < border.length - stride - 1; at++) {
    if (border[at] === 0) continue;
    const beside = border[at - 1]! + border[at + 1]! + border[at - stride]! + border[at + stride]!;
    const diagonal =
      border[at - stride - 1]! +
      border[at - stride + 1]! +
      border[at + stride - 1]! +
      border[at + stride + 1]!;
    pixels[1 + 2 * beside + 10 * diagonal]!++;
  }
  const count = (codes: readonly number[]) => codes.reduce((sum, code) => sum + pixels[code]!, 0);
  return count(STRAIGHT) + count(DIAGONAL) * Math.SQRT2 + (count(CORNER) * (1 + Math.SQRT2)) / 2;
}
