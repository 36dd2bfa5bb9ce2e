// A 28x28 mask pasted into the picture, on the CPU: the same function as shaders/lib/paste.wgsl, for
// thresholds asked for after detection. A ring of zeros is around the mask, and the box grows alike.

import { type PasteRule, pasteGrowth } from '../kernels/paste_rule';
import { type ResizeTable, resizeTable } from './transform';

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

const { ceil, floor, fround, trunc } = Math;

/** `box` x1 y1 x2 y2 in pixels of the picture, `side` the mask's. In float32 steps: they move corners. */
export function pasteCorners(box: ArrayLike<number>, side: number, rule: PasteRule = 'whole'): Corners {
  const [x0, x1] = grown(fround(box[0]!), fround(box[2]!), side, rule);
  const [y0, y1] = grown(fround(box[1]!), fround(box[3]!), side, rule);
  return { x0, y0, x1, y1 };
}

function grown(low: number, high: number, side: number, rule: PasteRule): [number, number] {
  if (rule === 'centres' && !(high > low)) return [0, -1];
  const centre = fround(fround(high + low) * 0.5);
  const half = fround(fround(fround(high - low) * 0.5) * pasteGrowth(side, rule));
  const [first, last] = [fround(centre - half), fround(centre + half)];
  return rule === 'whole' ? [trunc(first), trunc(last)] : [floor(first - 0.5), ceil(last - 0.5)];
}

/** The part of a mask's integer box that lies in a picture of height x width; 0 x 0 if none does. */
export function pasteRegion(
  box: ArrayLike<number>,
  side: number,
  height: number,
  width: number,
  rule: PasteRule = 'whole',
): Region {
  const { x0, y0, x1, y1 } = pasteCorners(box, side, rule);
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
  rule: PasteRule = 'whole',
): Float32Array {
  const { x0, y0, x1, y1 } = pasteCorners(box, side, rule);
  const whole = rule === 'whole';
  const columns = whole
    ? resizeTable(side + 2, Math.max(x1 - x0 + 1, 1), region.x - x0, region.width)
    : centreTable(side, box[0]!, box[2]!, region.x, region.width);
  const rows = whole
    ? resizeTable(side + 2, Math.max(y1 - y0 + 1, 1), region.y - y0, region.height)
    : centreTable(side, box[1]!, box[3]!, region.y, region.height);
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

/** The cells of the padded mask around the middles of `count` pixels from `first` on, where a box is low .. high. */
function centreTable(side: number, low: number, high: number, first: number, count: number): ResizeTable {
  const index = new Uint32Array(2 * count);
  const weight = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = ((first + i + 0.5 - low) / (high - low)) * side + 0.5; // 0 is the middle of the ring's cell
    const inside = Math.min(Math.max(at, 0), side + 1);
    const cell = floor(inside);
    index.set([cell, Math.min(cell + 1, side + 1)], 2 * i);
    weight[i] = inside - cell;
  }
  return { index, weight };
}

/** Words of 32 pixels in a row of a bitmap. */
export function wordsPerRow(width: number): number {
  return Math.ceil(width / 32);
}

/**
 * The mask in `region` as bits: bit b of word w of a row is pixel region.x + 32 w + b, set where the
 * soft mask is above `threshold`, or by `centres` at it. Each row begins a word.
 */
export function pasteBits(
  mask: ArrayLike<number>,
  side: number,
  box: ArrayLike<number>,
  region: Region,
  threshold: number,
  rule: PasteRule = 'whole',
): Uint32Array {
  const soft = pasteMask(mask, side, box, region, rule);
  const words = wordsPerRow(region.width);
  const limit = fround(threshold);
  const bits = new Uint32Array(words * region.height);
  for (let y = 0; y < region.height; y++) {
    for (let x = 0; x < region.width; x++) {
      const word = y * words + (x >>> 5);
      const value = soft[y * region.width + x]!;
      if (value > limit || (rule === 'centres' && value === limit))
        bits[word] = bits[word]! | (1 << (x & 31));
    }
  }
  return bits;
}
