// Boxes as rows of tensors, and how much two of them overlap.

import type { Box } from './resize';

export type { Box } from './resize';

const { fround, max, min } = Math;

/** Row `i` of boxes [N, 4]. */
export function boxAt(boxes: ArrayLike<number>, i: number): Box {
  return [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!];
}

export function areaOf([x1, y1, x2, y2]: Box): number {
  return fround(fround(x2 - x1) * fround(y2 - y1));
}

/** Intersection over union in float32 steps, as torchvision.ops.box_iou has it. */
export function iouOf(a: Box, b: Box): number {
  const width = fround(min(a[2], b[2]) - max(a[0], b[0]));
  const height = fround(min(a[3], b[3]) - max(a[1], b[1]));
  if (!(width > 0 && height > 0)) return 0;
  const inter = fround(width * height);
  return fround(inter / fround(fround(areaOf(a) + areaOf(b)) - inter));
}
