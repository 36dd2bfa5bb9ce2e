// Sizes and tables of torchvision's GeneralizedRCNNTransform: resize the short side to minSize unless
// the long one would pass maxSize, then pad right and bottom to a multiple of 32.

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** How the scale is rounded: `float64` as torchvision does now, `float32` as it did until 0.14. */
export type ScaleRule = 'float64' | 'float32';

const { fround } = Math;

/** The size of the picture once resized. No side is ever below 1 (torchvision fails there). */
export function resizedSize(
  height: number,
  width: number,
  minSize: number,
  maxSize: number,
  rule: ScaleRule = 'float64',
): Size {
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

/** The size with both sides rounded up to multiples of `divisor`. */
export function canvasSize(height: number, width: number, divisor = 32): Size {
  return {
    height: Math.ceil(height / divisor) * divisor,
    width: Math.ceil(width / divisor) * divisor,
  };
}

/** One axis of a bilinear resize: out[d] = (1 - weight[d]) * in[index[2d]] + weight[d] * in[index[2d + 1]]. */
export interface ResizeTable {
  index: Uint32Array;
  weight: Float32Array;
}

/**
 * Half-pixel centres, no antialias. The ratio is rounded to float32 and the coordinate is not:
 * a float32 coordinate near 1000 is off by 6e-5, which noise in a picture multiplies.
 */
export function resizeTable(nIn: number, nOut: number): ResizeTable {
  const ratio = fround(nIn / nOut);
  const index = new Uint32Array(2 * nOut);
  const weight = new Float32Array(nOut);
  for (let d = 0; d < nOut; d++) {
    const at = Math.max(ratio * (d + 0.5) - 0.5, 0);
    const low = Math.min(Math.floor(at), nIn - 1);
    index[2 * d] = low;
    index[2 * d + 1] = Math.min(low + 1, nIn - 1);
    weight[d] = at - low;
  }
  return { index, weight };
}
