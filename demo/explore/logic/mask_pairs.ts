// Detections of two runs of one picture side by side: which is which, and how their masks differ.

import type { MaskRegion } from '../../../src/rle';
import type { FoundObject } from '../../engine/explore_run';
import { type Box, iouOf } from './boxes';

/** The object of the same class that overlaps `object` the most, from half on; its index, or -1. */
export function counterpart({ box, classIndex }: FoundObject, others: readonly FoundObject[]): number {
  let [best, most] = [-1, 0.5];
  others.forEach((other, i) => {
    const iou = other.classIndex === classIndex ? iouOf(box, other.box) : 0;
    if (iou >= most) [best, most] = [i, iou];
  });
  return best;
}

export interface MaskDifference {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** 1 where both are empty. */
  readonly iou: number;
}

/** Whether a mask holds a pixel of the picture. */
export function holds({ x, y, width, height, data }: MaskRegion, row: number, column: number): boolean {
  const [r, c] = [row - y, column - x];
  return r >= 0 && c >= 0 && r < height && c < width && data[r * width + c] === 1;
}

/** Pixels of two masks of one picture. */
export function compareMasks(first: MaskRegion, second: MaskRegion): MaskDifference {
  const [x1, y1, x2, y2] = around(first, second);
  let [both, onlyFirst, onlySecond] = [0, 0, 0];
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) {
      const [a, b] = [holds(first, y, x), holds(second, y, x)];
      if (a && b) both++;
      else if (a) onlyFirst++;
      else if (b) onlySecond++;
    }
  }
  const union = both + onlyFirst + onlySecond;
  return { both, onlyFirst, onlySecond, iou: union ? both / union : 1 };
}

/** The smallest rectangle around both. */
function around(a: MaskRegion, b: MaskRegion): Box {
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return [Math.min(a.x, b.x), Math.min(a.y, b.y), right, bottom];
}

export interface Comparison {
  readonly first: number;
  readonly second: number;
  /** Objects that both have found. */
  readonly pairs: number;
  /** Over the pairs: undefined where there are none, or no masks. */
  readonly meanMaskIou: number | undefined;
  /** Largest movement of a box's side, in pixels of the picture. */
  readonly largestShift: number | undefined;
}

export function compareRuns(first: readonly FoundObject[], second: readonly FoundObject[]): Comparison {
  const pairs = first
    .map((object) => ({ object, other: second[counterpart(object, second)] }))
    .filter((pair): pair is { object: FoundObject; other: FoundObject } => pair.other !== undefined);
  const ious = pairs.flatMap(({ object, other }) =>
    object.mask && other.mask ? [compareMasks(object.mask, other.mask).iou] : [],
  );
  const shifts = pairs.flatMap(({ object, other }) =>
    object.box.map((side, k) => Math.abs(side - other.box[k]!)),
  );
  return {
    first: first.length,
    second: second.length,
    pairs: pairs.length,
    meanMaskIou: ious.length ? ious.reduce((sum, iou) => sum + iou, 0) / ious.length : undefined,
    largestShift: shifts.length ? Math.max(...shifts) : undefined,
  };
}
