// How far a peer's numbers are from ours.

export interface Difference {
  /** Largest absolute difference. */
  max: number;
  /** The same, over the largest absolute value of ours. */
  relative: number;
}

export function difference(ours: ArrayLike<number>, theirs: ArrayLike<number>): Difference {
  if (ours.length !== theirs.length) {
    throw new Error(`compare: wanted ${ours.length} numbers; got ${theirs.length}`);
  }
  let [max, largest] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    const delta = Math.abs(ours[i]! - theirs[i]!);
    max = Math.max(max, delta); // NaN if any is
    largest = Math.max(largest, Math.abs(ours[i]!));
  }
  return { max, relative: max / largest };
}

/** One picture's detections, as every engine can give them. */
export interface Found {
  // [N, 4] x1 y1 x2 y2, pixels of the picture
  boxes: ArrayLike<number>;
  scores: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** Of each: the whole picture, 1 where its mask is above 0.5. */
  masks: Uint8Array[];
}

export interface FoundDifference {
  ours: number;
  theirs: number;
  /** Pairs of the same label, each with the highest IoU of those left, if above 0.5. */
  paired: number;
  /** Largest difference of a coordinate, px. */
  box: number;
  score: number;
  /** Lowest IoU of two masks, and pixels in which all of them differ, of so many in ours. */
  maskIou: number;
  maskPixels: number;
  maskArea: number;
}

/** Pairs detections greedily, in the order of ours. */
export function compareFound(ours: Found, theirs: Found): FoundDifference {
  const total: FoundDifference = {
    ours: ours.scores.length,
    theirs: theirs.scores.length,
    paired: 0,
    box: 0,
    score: 0,
    maskIou: 1,
    maskPixels: 0,
    maskArea: 0,
  };
  const left = new Set(Array.from(theirs.scores, (_, j) => j));
  for (let i = 0; i < ours.scores.length; i++) {
    const box = boxAt(ours, i);
    let [best, bestIou] = [-1, 0.5];
    for (const j of left) {
      const iou = boxIou(box, boxAt(theirs, j));
      if (Number(ours.labels[i]) === Number(theirs.labels[j]) && iou > bestIou) [best, bestIou] = [j, iou];
    }
    if (best < 0) continue;
    left.delete(best);
    total.paired++;
    total.box = Math.max(total.box, difference(box, boxAt(theirs, best)).max);
    total.score = Math.max(total.score, Math.abs(ours.scores[i]! - theirs.scores[best]!));
    const masks = compareMasks(ours.masks[i]!, theirs.masks[best]!);
    total.maskIou = Math.min(total.maskIou, masks.iou);
    total.maskPixels += masks.different;
    total.maskArea += masks.area;
  }
  return total;
}

function boxAt({ boxes }: Found, i: number): number[] {
  return [0, 1, 2, 3].map((k) => boxes[4 * i + k]!);
}

function boxIou(a: number[], b: number[]): number {
  const overlap = (axis: number): number =>
    Math.max(0, Math.min(a[axis + 2]!, b[axis + 2]!) - Math.max(a[axis]!, b[axis]!));
  const area = (box: number[]): number => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const both = overlap(0) * overlap(1);
  return both / (area(a) + area(b) - both);
}

function compareMasks(a: Uint8Array, b: Uint8Array): { iou: number; different: number; area: number } {
  let [both, either, area] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
    area += a[i]!;
  }
  return { iou: either ? both / either : 1, different: either - both, area };
}
