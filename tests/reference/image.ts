// What turns a picture into the network's input and the network's boxes and masks into the picture's,
// by definition: loops in f64. float32 roundings only where torchvision's move an integer or a ratio.

import type { HostTensor } from '../gpu';

const { fround } = Math;

/** Bilinear with half-pixel centres: the two sources of element `d` of `nOut`, and the second's weight. */
function sourcesOf(d: number, nIn: number, nOut: number): [low: number, high: number, weight: number] {
  const at = Math.max(fround(fround(nIn / nOut) * (d + 0.5) - 0.5), 0);
  const low = Math.min(Math.floor(at), nIn - 1);
  return [low, Math.min(low + 1, nIn - 1), at - low];
}

function resized(
  source: (y: number, x: number) => number,
  [inHeight, inWidth]: [number, number],
  [outHeight, outWidth]: [number, number],
  y: number,
  x: number,
): number {
  const [y0, y1, wy] = sourcesOf(y, inHeight, outHeight);
  const [x0, x1, wx] = sourcesOf(x, inWidth, outWidth);
  const above = (1 - wx) * source(y0, x0) + wx * source(y0, x1);
  const below = (1 - wx) * source(y1, x0) + wx * source(y1, x1);
  return (1 - wy) * above + wy * below;
}

export interface Preprocessing {
  height: number;
  width: number;
  canvasHeight: number;
  canvasWidth: number;
  mean: readonly number[];
  std: readonly number[];
  order?: 'rgb' | 'bgr' | undefined;
  range?: number | undefined;
}

export function preprocess(pixels: HostTensor, options: Preprocessing): Float64Array {
  const { height, width, canvasHeight, canvasWidth, mean, std, order = 'rgb', range = 1 } = options;
  const [H, W] = pixels.shape as [number, number];
  const image = new Float64Array(canvasHeight * canvasWidth * 4);
  for (let c = 0; c < 3; c++) {
    const normalised = (y: number, x: number) =>
      ((((pixels.data[y * W + x]! >>> (8 * (order === 'rgb' ? c : 2 - c))) & 255) * range) / 255 - mean[c]!) /
      std[c]!;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        image[(y * canvasWidth + x) * 4 + c] = resized(normalised, [H, W], [height, width], y, x);
      }
    }
  }
  return image;
}

export function maskSelect(logits: HostTensor, labels: HostTensor, count: number): Float64Array {
  const [R, M, , K] = logits.shape as [number, number, number, number];
  return Float64Array.from({ length: R * M * M }, (_, i) => {
    const r = Math.floor(i / (M * M));
    return r < count ? 1 / (1 + Math.exp(-logits.data[i * K + labels.data[r]!]!)) : 0;
  });
}

export function scaleBoxes(boxes: HostTensor, count: number, x: number, y: number): Float64Array {
  return Float64Array.from(boxes.data, (side, i) =>
    Math.floor(i / 4) < count ? side * fround(i % 2 ? y : x) : 0,
  );
}

/** The box of a pasted mask, x0 y0 x1 y1 inclusive: grown by (M + 2) / M in float32, cut toward zero. */
export function integerBox(box: ArrayLike<number>, side: number): [number, number, number, number] {
  const k = fround((side + 2) / side);
  const ends = [0, 1].map((axis) => {
    const [low, high] = [box[axis]!, box[axis + 2]!];
    const centre = fround(fround(high + low) * 0.5);
    const half = fround(fround(fround(high - low) * 0.5) * k);
    return [Math.trunc(fround(centre - half)), Math.trunc(fround(centre + half))];
  });
  return [ends[0]![0]!, ends[1]![0]!, ends[0]![1]!, ends[1]![1]!];
}

/** The soft mask `r` at pixel (y, x) of the picture. */
function pasted(probabilities: HostTensor, boxes: HostTensor, r: number, y: number, x: number): number {
  const side = probabilities.shape[1]!;
  const [x0, y0, x1, y1] = integerBox(boxes.data.slice(4 * r, 4 * r + 4), side);
  if (x < x0 || x > x1 || y < y0 || y > y1) return 0;
  const padded = (row: number, column: number) =>
    row > 0 && row <= side && column > 0 && column <= side
      ? probabilities.data[(r * side + row - 1) * side + column - 1]!
      : 0;
  const size: [number, number] = [y1 - y0 + 1, x1 - x0 + 1];
  return resized(padded, [side + 2, side + 2], size, y - y0, x - x0);
}

export function pasteMasks(
  probabilities: HostTensor,
  boxes: HostTensor,
  count: number,
  [height, width]: [number, number],
): Float64Array {
  const out = new Float64Array(boxes.shape[0]! * height * width);
  for (let r = 0; r < count; r++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        out[(r * height + y) * width + x] = pasted(probabilities, boxes, r, y, x);
      }
    }
  }
  return out;
}

export const NOWHERE = 0xffffffff;

export interface Regions {
  /** x, y, width, height, words a row, first word of each. */
  regions: number[];
  used: [number];
}

/** The mask's integer box cut by the picture, and first words in one arena, in order. */
export function maskRegions(
  boxes: HostTensor,
  count: number,
  { height, width, side, capacity }: { height: number; width: number; side: number; capacity: number },
): Regions {
  const regions: number[] = [];
  let end = 0;
  for (let r = 0; r < boxes.shape[0]!; r++) {
    const [x0, y0, x1, y1] = integerBox(boxes.data.slice(4 * r, 4 * r + 4), side);
    const [left, top] = [Math.max(x0, 0), Math.max(y0, 0)];
    const [right, bottom] = [Math.min(x1 + 1, width), Math.min(y1 + 1, height)];
    const empty = r >= count || right <= left || bottom <= top;
    const region = empty ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
    const words = Math.ceil(region[2]! / 32);
    const first = end;
    end += words * region[3]!;
    regions.push(...region, words, r < count && end <= capacity ? first : NOWHERE);
  }
  return { regions, used: [end] };
}

/** Words that are in no region, or have a pixel within 1e-5 of the threshold, are NaN: do not look. */
export function pasteMaskBits(
  probabilities: HostTensor,
  boxes: HostTensor,
  regions: ArrayLike<number>,
  { threshold, capacity }: { threshold: number; capacity: number },
): Float64Array {
  const bits = new Float64Array(capacity).fill(Number.NaN);
  for (let r = 0; r < boxes.shape[0]!; r++) {
    const [x, y, width, height, words, first] = Array.from({ length: 6 }, (_, i) => regions[6 * r + i]!) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (first === NOWHERE) continue;
    for (let row = 0; row < height; row++) {
      for (let word = 0; word < words; word++) {
        let set = 0;
        for (let bit = 0; bit < 32 && 32 * word + bit < width; bit++) {
          const value = pasted(probabilities, boxes, r, y + row, x + 32 * word + bit);
          if (Math.abs(value - threshold) < 1e-5) set = Number.NaN;
          if (value > threshold) set += 2 ** bit;
        }
        bits[first + row * words + word] = set;
      }
    }
  }
  return bits;
}
