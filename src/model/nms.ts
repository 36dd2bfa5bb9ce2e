// Non-maximum suppression in groups (pyramid levels, or classes), and the best of what is left over all groups.

import type { Graph, Tensor } from '../graph/graph';
import { gatherDetections } from '../kernels/gather_detections';
import { sizeOf } from '../kernels/kernel';
import { nmsMask } from '../kernels/nms_mask';
import { nmsOffset } from '../kernels/nms_offset';
import { nmsScan } from '../kernels/nms_scan';
import { topK } from '../kernels/top_k';

/** Boxes with a count: rows from `count` on are zeros. */
export interface Boxes {
  /** [R, 4] in resized pixels, by descending score */
  boxes: Tensor;
  /** [R] */
  scores: Tensor;
  /** u32 [R]: the group of each box, from `firstGroup` on */
  labels: Tensor;
  /** u32 [1] */
  count: Tensor;
}

export interface Suppression {
  /** A box goes when its IoU with a better one of its group is greater. */
  threshold: number;
  /** How many are kept over all groups. */
  limit: number;
  /** The number of the first group: 0 for levels, 1 for classes where 0 is the background. */
  firstGroup: number;
  /** Groups are shifted apart up to this many boxes, as torchvision's batched_nms does, and left alone above. */
  trickLimit: number;
  /** Whether boxes include x2 and y2. */
  inclusive: boolean;
  /** Whether boxes without width or height are left out of what is kept. */
  dropEmpty?: boolean;
  /** sigmoid: the scores are logits. */
  activation: 'none' | 'sigmoid';
}

// boxes [G, N, 4], scores [G, N], each group by descending score -> the best R of what is left
export function suppress(
  g: Graph,
  prefix: string,
  { boxes, scores }: { boxes: Tensor; scores: Tensor },
  { threshold, limit, firstGroup, trickLimit, inclusive, dropEmpty = false, activation }: Suppression,
): Boxes {
  const groups = { firstGroup, trickLimit };
  const { offsets, extents } = g.apply(
    `${prefix}.nms_offset`,
    nmsOffset,
    { boxes, scores },
    groups,
    'offsets',
    'extents',
  );
  const { mask } = g.apply(
    `${prefix}.nms_mask`,
    nmsMask,
    { boxes, offsets, extents },
    { threshold, inclusive },
    'mask',
  );
  const { kept } = g.apply(`${prefix}.nms_scan`, nmsScan, { mask, scores, extents }, {}, 'kept');
  const all = sizeOf(kept);
  const segments = g.constant(`${prefix}.all`, [1, 2], Uint32Array.of(0, all));
  const best = g.apply(
    `${prefix}.best`,
    topK,
    { values: kept, segments },
    { k: Math.min(limit, all) },
    'indices',
    'top',
  );
  const gathered = g.apply(
    `${prefix}.gather_detections`,
    gatherDetections,
    { indices: best.indices, top: best.top, boxes },
    { activation, firstGroup, dropEmpty },
    'detections',
    'scores',
    'labels',
    'count',
  );
  const { detections, ...rest } = gathered;
  return { boxes: detections, ...rest };
}
