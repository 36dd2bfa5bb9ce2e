// Sizes and tables of torchvision's GeneralizedRCNNTransform: resize the short side to minSize unless
// the long one would pass maxSize, then pad right and bottom to a multiple of 32.

import { roundHalfEven } from './round_half_even';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * How the sides are rounded: `float64` as torchvision does now, `float32` as it did until 0.14, `detectron` to the
 * nearest pixel, as Detectron and its mobile kin.
 */
export const SCALE_RULES = ['float64', 'float32', 'detectron'] as const;
export type ScaleRule = (typeof SCALE_RULES)[number];

const { fround } = Math;

/** The size of the picture once resized. No side is ever below 1 (torchvision fails there). */
export function resizedSize(
  height: number,
  width: number,
  minSize: number,
  maxSize: number,
  rule: ScaleRule = 'float64',
): Size {
  if (rule === 'detectron') {
    const scale = detectronScale(height, width, minSize, maxSize);
    return {
      height: Math.max(1, roundHalfEven(height * scale)),
      width: Math.max(1, roundHalfEven(width * scale)),
    };
  }
  const short = Math.min(height, width);
  const long = Math.max(height, width);
  // float32: a reciprocal, then a product. fl(800 / 427) itself would be another number.
  const scale =
    rule === 'float32'
      ? Math.min(fround(fround(1 / short) * minSize), fround(fround(1 / long) * maxSize))
      : Math.min(minSize / short, maxSize / long);
  return {
    height: Math.max(1, Math.floor(height * scale)),
    width: Math.max(1, Math.floor(width * scale)),
  };
}

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
