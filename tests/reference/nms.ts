// Non-maximum suppression as torchvision's on the CPU, every operation rounded to float32.

import { type Box, boxAt, type Numbers } from './boxes';
import { isScore, NONE } from './selection';

const { fround, max, min } = Math;

export function iou(a: Box, b: Box, inclusive = false): number {
  const side = (from: number, to: number) => fround(fround(to - from) + Number(inclusive));
  const area = ([x1, y1, x2, y2]: Box) => fround(side(x1, x2) * side(y1, y2));
  const width = max(0, side(max(a[0], b[0]), min(a[2], b[2])));
  const height = max(0, side(max(a[1], b[1]), min(a[3], b[3])));
  const intersection = fround(width * height);
  return fround(intersection / fround(fround(area(a) + area(b)) - intersection));
}

/** What batched_nms adds to the coordinates of each group: boxes [G, N, 4], scores [G, N]. */
export function groupOffsets(
  boxes: Numbers,
  scores: Numbers,
  groups: number,
  firstGroup: number,
  limit: number,
) {
  const coordinates: number[] = [];
  for (let i = 0; i < scores.length; i++) if (isScore(scores[i]!)) coordinates.push(...boxAt(boxes, i));
  const many = coordinates.length > 4 * limit;
  const highest = coordinates.reduce((a, b) => max(a, b), -Infinity);
  const offset = many || coordinates.length === 0 ? 0 : fround(highest + 1);
  return Array.from({ length: groups }, (_, g) => fround((firstGroup + g) * offset));
}

export function shifted(box: Box, offset: number): Box {
  return box.map((v) => fround(v + offset)) as Box;
}

/** Rows of each group up to its last box. */
export function groupExtents(scores: Numbers, groups: number): number[] {
  const N = scores.length / groups;
  return Array.from({ length: groups }, (_, g) => {
    const rows = Array.from({ length: N }, (_, i) => (isScore(scores[g * N + i]!) ? i + 1 : 0));
    return max(0, ...rows);
  });
}

/** Bit j of row i in each group: a box i would suppress the later box j. NaN where no pair's bit can be. */
export function nmsMask(
  boxes: Numbers,
  offsets: Numbers,
  extents: Numbers,
  threshold: number,
  inclusive = false,
): Float64Array {
  const G = offsets.length;
  const N = boxes.length / 4 / G;
  const words = Math.ceil(N / 32);
  const mask = new Float64Array(G * N * words).fill(Number.NaN);
  for (let g = 0; g < G; g++) {
    const group = Array.from({ length: N }, (_, i) => shifted(boxAt(boxes, g * N + i), offsets[g]!));
    for (let i = 0; i < extents[g]!; i++) {
      for (let j = i - (i % 32); j < extents[g]!; j++) {
        const word = (g * N + i) * words + (j >> 5);
        if (j % 32 === 0) mask[word] = 0;
        if (j > i && iou(group[i]!, group[j]!, inclusive) > threshold) mask[word]! += 2 ** (j % 32);
      }
    }
  }
  return mask;
}

/** The textbook's walk over each group: keeps a box, and strikes out whom the mask says it suppresses. */
export function nmsScan(mask: Numbers, scores: Numbers, groups: number): Float64Array {
  const N = scores.length / groups;
  const words = Math.ceil(N / 32);
  const kept = new Float64Array(scores.length).fill(NONE);
  for (let g = 0; g < groups; g++) {
    const removed = new Set<number>();
    for (let i = 0; i < N; i++) {
      const score = scores[g * N + i]!;
      if (!isScore(score) || removed.has(i)) continue;
      kept[g * N + i] = score;
      for (let j = i + 1; j < N; j++)
        if ((mask[(g * N + i) * words + (j >> 5)]! >>> (j & 31)) & 1) removed.add(j);
    }
  }
  return kept;
}
