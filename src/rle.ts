// COCO's run-length encoding of a mask, as pycocotools writes it: the lengths of runs of 0, 1, 0, ... down the
// columns, each from the third on as its difference from the one two before, in base 32 digits of printable
// characters (rleToString in cocoapi/common/maskApi.c). `counts` equals pycocotools.mask.encode byte for byte.

import { MaskRcnnError } from './errors';

/** A compressed mask; what pycocotools takes as an annotation's `segmentation`. */
export interface Rle {
  /** Height and width of the picture. */
  size: [height: number, width: number];
  counts: string;
}

/** Zeros and ones in a rectangle of the picture, row by row; zeros around it. */
export interface MaskRegion {
  x: number;
  y: number;
  width: number;
  height: number;
  data: Uint8Array;
}

/** Encodes a mask that is zero outside `region`; the cost is that of the region, not of the picture. */
export function encodeRle(region: MaskRegion, height: number, width: number): Rle {
  return { size: [height, width], counts: packCounts(runLengths(region, height, width)) };
}

/** Lengths of runs down the columns, the first of zeros (0 if the mask begins with a one). */
function runLengths(region: MaskRegion, height: number, width: number): number[] {
  const { data } = region;
  const pixels = height * width;
  const lengths: number[] = [];
  let value = 0;
  let start = 0; // of the current run, counted down the columns
  const change = (at: number) => {
    lengths.push(at - start);
    start = at;
    value ^= 1;
  };
  for (let x = 0; x < region.width; x++) {
    const top = (region.x + x) * height + region.y;
    for (let y = 0; y < region.height; y++) {
      if (data[y * region.width + x] !== value) change(top + y);
    }
    const last = x === region.width - 1;
    if (value === 1 && (last || region.height < height)) change(top + region.height);
  }
  if (start < pixels || pixels === 0) lengths.push(pixels - start);
  return lengths;
}

function packCounts(lengths: readonly number[]): string {
  const codes: string[] = [];
  lengths.forEach((length, i) => {
    let rest = i > 2 ? length - lengths[i - 2]! : length;
    for (let more = true; more; ) {
      const digit = rest & 31;
      rest >>= 5;
      more = rest !== (digit & 16 ? -1 : 0); // what is left is the sign, which the digit's top bit tells
      codes.push(String.fromCharCode(48 + digit + (more ? 32 : 0)));
    }
  });
  return codes.join('');
}

// { size: [H, W], counts } -> [H, W] of 0 and 1, row by row
export function decodeRle({ size: [height, width], counts }: Rle): Uint8Array {
  const mask = new Uint8Array(height * width);
  let at = 0;
  unpackCounts(counts).forEach((length, i) => {
    if (length < 0 || at + length > mask.length) {
      throw new MaskRcnnError(
        `rle: wanted runs of ${mask.length} pixels in all, got ${length} more at ${at}`,
      );
    }
    if (i % 2 === 0) at += length;
    else
      for (const end = at + length; at < end; at++) mask[(at % height) * width + Math.floor(at / height)] = 1;
  });
  if (at !== mask.length)
    throw new MaskRcnnError(`rle: wanted runs of ${mask.length} pixels in all, got ${at}`);
  return mask;
}

function unpackCounts(counts: string): number[] {
  const lengths: number[] = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < counts.length; i++) {
    const code = counts.charCodeAt(i) - 48;
    if (code < 0 || code > 63 || shift > 30) throw new MaskRcnnError(`rle: no such count at character ${i}`);
    value |= (code & 31) << shift;
    shift += 5;
    if (code & 32) continue;
    if (code & 16 && shift < 32) value |= -1 << shift;
    lengths.push(lengths.length > 2 ? value + lengths[lengths.length - 2]! : value);
    value = shift = 0;
  }
  if (shift > 0) throw new MaskRcnnError('rle: the last count is cut off');
  return lengths;
}
