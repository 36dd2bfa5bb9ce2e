// One object's mask, held as the network gives it: probabilities in a small square over the object's box. It is
// pasted into the picture when asked, and only where the box lies (src/model/paste.ts).

import { MaskRcnnError } from './errors';
import type { PasteRule } from './kernels/paste_rule';
import { pasteBits, pasteRegion, type Region, wordsPerRow } from './model/paste';
import { encodeRle, type MaskRegion, type Rle } from './rle';

/** What the GPU has pasted already: pixels above `threshold` in a rectangle, 32 a word, rows begin words. */
export interface PackedBits {
  threshold: number;
  x0: number;
  y0: number;
  width: number;
  height: number;
  wordsPerRow: number;
  words: Uint32Array;
}

export interface MaskSource {
  /** Pixels a side of the square, 28 in the paper. */
  side: number;
  // [side, side], row by row, 0..1
  probabilities: Float32Array;
  /** x1 y1 x2 y2 in pixels of the picture. */
  box: ArrayLike<number>;
  imageWidth: number;
  imageHeight: number;
  bits?: PackedBits | undefined;
  /** How it is pasted. Default: as torchvision does. */
  paste?: PasteRule | undefined;
}

export class Mask {
  /** What it was made of: plain data, which can go to another thread and become a Mask there. */
  readonly source: MaskSource;
  readonly side: number;
  /** The network's own answer, side x side, row by row, stretched over the box. */
  readonly probabilities: Float32Array;
  readonly width: number;
  readonly height: number;

  constructor(source: MaskSource) {
    this.source = source;
    this.side = source.side;
    this.probabilities = source.probabilities;
    this.width = source.imageWidth;
    this.height = source.imageHeight;
  }

  /** The object's pixels, those whose probability is above `threshold`, in the rectangle that can hold any. */
  region(threshold = 0.5): MaskRegion {
    const { region, stride, words } = this.packed(threshold);
    const { x, y, width, height } = region;
    const data = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const word = words[row * stride + (column >>> 5)]!;
        data[row * width + column] = (word >>> (column & 31)) & 1;
      }
    }
    return { x, y, width, height, data };
  }

  // -> [height, width] of 0 and 1: the whole picture, row by row
  bitmap(threshold = 0.5): Uint8Array {
    const { x, y, width, height, data } = this.region(threshold);
    const bitmap = new Uint8Array(this.width * this.height);
    for (let row = 0; row < height; row++) {
      bitmap.set(data.subarray(row * width, (row + 1) * width), (y + row) * this.width + x);
    }
    return bitmap;
  }

  /** Pixels of the object. */
  area(threshold = 0.5): number {
    return this.region(threshold).data.reduce((sum, pixel) => sum + pixel, 0);
  }

  /** COCO's compressed encoding, as pycocotools.mask.encode(bitmap) gives it. */
  rle(threshold = 0.5): Rle {
    return encodeRle(this.region(threshold), this.height, this.width);
  }

  /** The bits of the GPU where they are of this threshold, else made here. */
  private packed(threshold: number): { region: Region; stride: number; words: Uint32Array } {
    if (!(threshold >= 0 && threshold <= 1)) {
      throw new MaskRcnnError(`mask: wanted a threshold from 0 to 1, got ${threshold}`);
    }
    const { bits, box } = this.source;
    if (bits && bits.threshold === threshold) {
      const region = { x: bits.x0, y: bits.y0, width: bits.width, height: bits.height };
      return { region, stride: bits.wordsPerRow, words: bits.words };
    }
    const { paste = 'whole' } = this.source;
    const region = pasteRegion(box, this.side, this.height, this.width, paste);
    const words = pasteBits(this.probabilities, this.side, box, region, threshold, paste);
    return { region, stride: wordsPerRow(region.width), words };
  }
}
