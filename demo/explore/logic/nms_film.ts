// Greedy non-maximum suppression, step by step: the best box that is left stays, and those that overlap it too much
// go. Comparisons and roundings as shaders/nms_mask.wgsl and torchvision have them, in float32.

const { fround, max, min } = Math;

export interface Frame {
  /** The box that stays. */
  readonly keeper: number;
  /** Those that it suppresses, best first. */
  readonly victims: readonly number[];
}

export interface Film {
  readonly frames: readonly Frame[];
  /** Of each box: who suppressed it; -1 where it stays, or is none. */
  readonly by: Int32Array;
}

export interface Candidates {
  // [N, 4], best first
  readonly boxes: readonly number[] | Float32Array | Uint32Array;
  /** Whether row i is a box. */
  readonly isBox: (i: number) => boolean;
  readonly count: number;
  /** How far the group is shifted before boxes are compared, as torchvision's batched_nms does; it costs precision. */
  readonly offset: number;
  /** Whether boxes include x2 and y2. */
  readonly inclusive: boolean;
}

/** A box goes when its IoU with a better one that stays is above the threshold. */
export function nmsFilm(candidates: Candidates, threshold: number): Film {
  const { isBox, count, inclusive } = candidates;
  const by = new Int32Array(count).fill(-1);
  const shifted = shift(candidates);
  const areas = Float32Array.from({ length: count }, (_, i) => areaOf(shifted, i, inclusive));
  const frames: Frame[] = [];
  for (let keeper = 0; keeper < count; keeper++) {
    if (!isBox(keeper) || by[keeper] !== -1) continue;
    const victims: number[] = [];
    for (let other = keeper + 1; other < count; other++) {
      if (by[other] !== -1 || !isBox(other)) continue;
      if (iou(shifted, fround(areas[keeper]! + areas[other]!), keeper, other, inclusive) <= threshold)
        continue;
      by[other] = keeper;
      victims.push(other);
    }
    frames.push({ keeper, victims });
  }
  return { frames, by };
}

/** Intersection over union of rows i and j. */
export function iouOf(candidates: Candidates, i: number, j: number): number {
  const shifted = shift(candidates);
  const { inclusive } = candidates;
  const both = areaOf(shifted, i, inclusive) + areaOf(shifted, j, inclusive);
  return iou(shifted, fround(both), i, j, inclusive);
}

function shift({ boxes, count, offset }: Candidates): Float32Array {
  return Float32Array.from({ length: 4 * count }, (_, i) => boxes[i]! + offset);
}

function side(low: number, high: number, inclusive: boolean): number {
  return inclusive ? fround(fround(high - low) + 1) : fround(high - low);
}

function areaOf(boxes: Float32Array, i: number, inclusive: boolean): number {
  const width = side(boxes[4 * i]!, boxes[4 * i + 2]!, inclusive);
  return fround(width * side(boxes[4 * i + 1]!, boxes[4 * i + 3]!, inclusive));
}

function iou(
  boxes: Float32Array,
  /** Of both, added up. */
  areas: number,
  i: number,
  j: number,
  inclusive: boolean,
): number {
  const [a, b] = [4 * i, 4 * j];
  const width = side(max(boxes[a]!, boxes[b]!), min(boxes[a + 2]!, boxes[b + 2]!), inclusive);
  const height = side(max(boxes[a + 1]!, boxes[b + 1]!), min(boxes[a + 3]!, boxes[b + 3]!), inclusive);
  if (width <= 0 || height <= 0) return 0;
  const both = fround(width * height);
  return fround(both / fround(areas - both));
}
