// Sizes and tables of torchvision's GeneralizedRCNNTransform: resize the short side to minSize unless
// the long one would pass maxSize, then pad right and bottom to a multiple of 32.

import { roundHalfEven } from './round_half_even';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * How the sides are rounded: `float64` as torchvision does now, `float32` as it did until 0.14, `detectron` to the
 * nearest pixel, as Detectron and its mobile kin; and as detectron2, maskrcnn-benchmark and MMDetection.
 */
export const SCALE_RULES = [
  'float64',
  'float32',
  'detectron',
  'detectron2',
  'benchmark',
  'mmdetection',
] as const;
export type ScaleRule = (typeof SCALE_RULES)[number];

const { floor, fround, max, min } = Math;

/** The size of the picture once resized. No side is ever below 1 (torchvision fails there). */
export function resizedSize(
  height: number,
  width: number,
  minSize: number,
  maxSize: number,
  rule: ScaleRule = 'float64',
): Size {
  const [rows, columns] = SIDES[rule](height, width, minSize, maxSize);
  return { height: max(1, rows), width: max(1, columns) };
}

type Sides = (height: number, width: number, minSize: number, maxSize: number) => [number, number];

/** Both sides times one scale, each rounded. */
function scaled(
  scaleOf: (height: number, width: number, minSize: number, maxSize: number) => number,
  rounded: (side: number) => number,
): Sides {
  return (height, width, minSize, maxSize) => {
    const scale = scaleOf(height, width, minSize, maxSize);
    return [rounded(height * scale), rounded(width * scale)];
  };
}

/** The short side to `minSize`, unless the long one would pass `maxSize`. */
function fitting(height: number, width: number, minSize: number, maxSize: number): number {
  return min(minSize / min(height, width), maxSize / max(height, width));
}

/** The same in float32: a reciprocal, then a product. fl(800 / 427) itself would be another number. */
function fitting32(height: number, width: number, minSize: number, maxSize: number): number {
  const reciprocal = (side: number) => fround(1 / side);
  return min(
    fround(reciprocal(min(height, width)) * minSize),
    fround(reciprocal(max(height, width)) * maxSize),
  );
}

const nearest = (side: number): number => floor(side + 0.5);

const SIDES: Record<ScaleRule, Sides> = {
  float64: scaled(fitting, floor),
  float32: scaled(fitting32, floor),
  detectron: scaled(detectronScale, roundHalfEven),
  mmdetection: scaled(fitting, nearest),

  // ResizeShortestEdge: each side is scaled, and scaled again where the long one is too long
  detectron2(height, width, minSize, maxSize) {
    const scale = minSize / min(height, width);
    const sides: [number, number] = height < width ? [minSize, scale * width] : [scale * height, minSize];
    const again = max(...sides) > maxSize ? maxSize / max(...sides) : 1;
    return [nearest(sides[0] * again), nearest(sides[1] * again)];
  },

  // transforms.Resize: the short side is whole before the long one follows from it
  benchmark(height, width, minSize, maxSize) {
    const [short, long] = [min(height, width), max(height, width)];
    const side = (long / short) * minSize > maxSize ? roundHalfEven((maxSize * short) / long) : minSize;
    if (side === short) return [height, width];
    return width < height ? [floor((side * height) / width), side] : [side, floor((side * width) / height)];
  },
};

/** Resized pixels per pixel of the picture, before sides are rounded: Detectron's prep_im_for_blob. */
export function detectronScale(height: number, width: number, minSize: number, maxSize: number): number {
  const scale = minSize / Math.min(height, width);
  const long = Math.max(height, width);
  return roundHalfEven(scale * long) > maxSize ? maxSize / long : scale;
}

/** The size with both sides rounded up to multiples of `divisor`. */
export function canvasSize(height: number, width: number, divisor = 32): Size {
  return {
    height: Math.ceil(height / divisor) * divisor,
    width: Math.ceil(width / divisor) * divisor,
  };
}

/** One axis of a bilinear resize: out[i] = (1 - weight[i]) * in[index[2i]] + weight[i] * in[index[2i + 1]]. */
export interface ResizeTable {
  index: Uint32Array;
  weight: Float32Array;
}

/**
 * Half-pixel centres, no antialias; of `count` outputs from `first` on. The coordinate is rounded to
 * float32 once, as by the fused multiply-add in PyTorch 2: within 3e-7 of it on all our pictures, where
 * an unrounded one, as in PyTorch 1, departs by 4e-5.
 */
export function resizeTable(nIn: number, nOut: number, first = 0, count = nOut): ResizeTable {
  const ratio = fround(nIn / nOut);
  const index = new Uint32Array(2 * count);
  const weight = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = Math.max(fround(ratio * (first + i + 0.5) - 0.5), 0);
    const low = Math.min(Math.floor(at), nIn - 1);
    index[2 * i] = low;
    index[2 * i + 1] = Math.min(low + 1, nIn - 1);
    weight[i] = at - low;
  }
  return { index, weight };
}
