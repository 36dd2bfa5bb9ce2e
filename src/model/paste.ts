// A 28x28 mask pasted into the picture, on the CPU: the same function as shaders/lib/paste.wgsl, for
// thresholds asked for after detection. torchvision's paste_masks_in_image: a ring of zeros around the
// mask, the box grown alike and cut to integers, a bilinear resize.

import { resizeTable } from './transform';

/** A rectangle of pixels of the picture. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The integer box of a mask with its ring of zeros, inclusive, before the picture's borders cut it. */
export interface Corners {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

const { fround, trunc } = Math;

/** `box` x1 y1 x2 y2 in pixels of the picture, `side` the mask's. In float32 steps: they move corners. */
export function pasteCorners(box: ArrayLike<number>, side: number): Corners {
  const growth = fround((side + 2) / side);
  const [x0, x1] = grown(fround(box[0]!), fround(box[2]!), growth);
  const [y0, y1] = grown(fround(box[1]!), fround(box[3]!), growth);
  return { x0, y0, x1, y1 };
}

function grown(low: number, high: number, growth: number): [number, number] {
  const centre = fround(fround(high + low) * 0.5);
  const half = fround(fround(fround(high - low) * 0.5) * growth);
  return [trunc(fround(centre - half)), trunc(fround(centre + half))];
}

/** The part of a mask's integer box that lies in a picture of height x width; 0 x 0 if none does. */
export function pasteRegion(box: ArrayLike<number>, side: number, height: number, width: number): Region {
  const { x0, y0, x1, y1 } = pasteCorners(box, side);
  const x = Math.max(x0, 0);
  const y = Math.max(y0, 0);
  const across = Math.min(x1 + 1, width) - x;
  const down = Math.min(y1 + 1, height) - y;
  return across > 0 && down > 0 ? { x, y, width: across, height: down } : { x: 0, y: 0, width: 0, height: 0 };
}

/** The soft mask in `region`, row by row: probabilities in 0..1. */
export function pasteMask(
  mask: ArrayLike<number>,
  side: number,
  box: ArrayLike<number>,
  region: Region,
): Float32Array {
  const { x0, y0, x1, y1 } = pasteCorners(box, side);
  const columns = resizeTable(side + 2, Math.max(x1 - x0 + 1, 1), region.x - x0, region.width);
  const rows = resizeTable(side + 2, Math.max(y1 - y0 + 1, 1), region.y - y0, region.height);
  const padded = (y: number, x: number) =>
    y >= 1 && y <= side && x >= 1 && x <= side ? mask[(y - 1) * side + x - 1]! : 0;
  const soft = new Float32Array(region.width * region.height);
  for (let y = 0; y < region.height; y++) {
    const [top, bottom, down] = [rows.index[2 * y]!, rows.index[2 * y + 1]!, rows.weight[y]!];
    for (let x = 0; x < region.width; x++) {
      const [left, right] = [columns.index[2 * x]!, columns.index[2 * x + 1]!];
      const across = columns.weight[x]!;
      const above = (1 - across) * padded(top, left) + across * padded(top, right);
      const below = (1 - across) * padded(bottom, left) + across * padded(bottom, right);
      soft[y * region.width + x] = (1 - down) * above + down * below;
    }
  }
  return soft;
}

/** Words of 32 pixels in a row of a bitmap. */
export function wordsPerRow(width: number): number {
  return Math.ceil(width / 32);
}

/**
 * The mask in `region` as bits: bit b of word w of a row is pixel region.x + 32 w + b, set where the
 * soft mask is above `threshold`. Each row begins a word.
 */
export function pasteBits(
  mask: ArrayLike<number>,
  side: number,
  box: ArrayLike<number>,
  region: Region,
  threshold: number,
): Uint32Array {
  const soft = pasteMask(mask, side, box, region);
  const words = wordsPerRow(region.width);
  const limit = fround(threshold);
  const bits = new Uint32Array(words * region.height);
  for (let y = 0; y < region.height; y++) {
    for (let x = 0; x < region.width; x++) {
      const word = y * words + (x >>> 5);
      if (soft[y * region.width + x]! > limit) bits[word] = bits[word]! | (1 << (x & 31));
    }
  }
  return bits;
}
