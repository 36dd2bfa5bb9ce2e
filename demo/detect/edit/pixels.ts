// Pictures as bytes, and masks over them, for the edits: pure functions, which the worker of edits calls.

import type { MaskRegion } from '../../../src/rle';

/** RGBA bytes, rows from the top. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

// -> [height, width] of 0 and 1: pixels that any of the regions has
export function union(regions: readonly MaskRegion[], width: number, height: number): Uint8Array {
  const all = new Uint8Array(width * height);
  for (const region of regions) {
    for (let y = 0; y < region.height; y++) {
      for (let x = 0; x < region.width; x++) {
        if (region.data[y * region.width + x]) all[(region.y + y) * width + region.x + x] = 1;
      }
    }
  }
  return all;
}

/** The object alone on nothing, cut to the rectangle of its pixels. Undefined where the mask has none. */
export function cutOut(picture: Pixels, region: MaskRegion): Pixels | undefined {
  const bounds = boundsOf(region);
  if (!bounds) return undefined;
  const { left, top, right, bottom } = bounds;
  const [width, height] = [right - left + 1, bottom - top + 1];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!region.data[(top + y) * region.width + left + x]) continue;
      const from = 4 * ((region.y + top + y) * picture.width + region.x + left + x);
      data.set(picture.data.subarray(from, from + 4), 4 * (y * width + x));
    }
  }
  return { data, width, height };
}

function boundsOf({ width, height, data }: MaskRegion) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!data[y * width + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return right < 0 ? undefined : { left, top, right, bottom };
}

/** A mask with all pixels within `reach` of it, along both axes. mask [H, W] -> [H, W] */
export function grow(mask: Uint8Array, width: number, height: number, reach: number): Uint8Array {
  const across = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) spread(mask, across, y * width, 1, width, reach);
  const both = new Uint8Array(mask.length);
  for (let x = 0; x < width; x++) spread(across, both, x, width, height, reach);
  return both;
}

/** Along one row or column: ones within `reach` of a one. */
function spread(from: Uint8Array, to: Uint8Array, start: number, step: number, count: number, reach: number) {
  let last = Number.NEGATIVE_INFINITY; // place of the last one on the way
  for (let i = 0; i < count; i++) {
    if (from[start + i * step]) last = i;
    if (i - last <= reach) to[start + i * step] = 1;
  }
  last = Number.POSITIVE_INFINITY;
  for (let i = count - 1; i >= 0; i--) {
    if (from[start + i * step]) last = i;
    if (last - i <= reach) to[start + i * step] = 1;
  }
}
