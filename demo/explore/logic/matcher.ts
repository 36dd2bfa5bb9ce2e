// Which ground truth each anchor or proposal is to learn: Ren et al. 2015, Faster R-CNN (arXiv:1506.01497), section
// 3.1.2, in the steps of torchvision's Matcher and its samplers.

import { areaOf, type Box } from './boxes';

/** The target's index; or one of these. */
export const BACKGROUND = -1;
export const IGNORED = -2;

export interface Matches {
  /** Of each box: the truth it is matched to, BACKGROUND, or IGNORED. */
  readonly targets: Int32Array;
  /** Its largest IoU with any truth. */
  readonly iou: Float32Array;
}

export interface MatchRule {
  /** An IoU from here on is a match. */
  readonly high: number;
  /** Below it lies the background; between the two, what is ignored. */
  readonly low: number;
  /** Whether each truth also gets the boxes that overlap it the most, however little that is. */
  readonly lowQuality: boolean;
}

/** Anchors: torchvision's fg_iou_thresh and bg_iou_thresh of the RPN. */
export const ANCHOR_RULE: MatchRule = { high: 0.7, low: 0.3, lowQuality: true };
/** Proposals: those of the heads. */
export const PROPOSAL_RULE: MatchRule = { high: 0.5, low: 0.5, lowQuality: false };

const { fround, max, min } = Math;

/** boxes [N, 4]. Without any truth all is background. `last`: 1 where x2 and y2 are a box's last pixels. */
export function match(boxes: ArrayLike<number>, truths: readonly Box[], rule: MatchRule, last = 0): Matches {
  const count = boxes.length / 4;
  const [high, low] = [fround(rule.high), fround(rule.low)];
  const best = new Int32Array(count);
  const iou = new Float32Array(count);
  const overlaps = truths.map((truth) => overlapsOf(boxes, truth, last));
  overlaps.forEach((row, t) => {
    for (const [i, value] of row) {
      if (value <= iou[i]!) continue; // the first of equals
      iou[i] = value;
      best[i] = t;
    }
  });
  const targets = Int32Array.from(best, (target, i) => {
    if (iou[i]! < low || truths.length === 0) return BACKGROUND;
    return iou[i]! < high ? IGNORED : target;
  });
  if (rule.lowQuality) for (const row of overlaps) restore(targets, best, row);
  return { targets, iou };
}

/** Boxes that overlap a truth as much as any does are matched, each to its own best truth. */
function restore(targets: Int32Array, best: Int32Array, row: ReadonlyMap<number, number>): void {
  let most = 0;
  for (const value of row.values()) most = max(most, value);
  if (most === 0) {
    // the truth overlaps none, and so all others equally: torchvision matches them
    for (let i = 0; i < targets.length; i++) if (!row.has(i)) targets[i] = best[i]!;
  }
  for (const [i, value] of row) if (value === most) targets[i] = best[i]!;
}

/** The boxes that overlap `truth`, with their IoU in float32 steps. */
function overlapsOf(boxes: ArrayLike<number>, truth: Box, last: number): Map<number, number> {
  const [x1, y1] = truth;
  const [x2, y2] = [truth[2] + last, truth[3] + last];
  const area = areaOf([x1, y1, x2, y2]);
  const found = new Map<number, number>();
  for (let i = 0; i < boxes.length / 4; i++) {
    const [a, b, c, d] = [
      boxes[4 * i]!,
      boxes[4 * i + 1]!,
      boxes[4 * i + 2]! + last,
      boxes[4 * i + 3]! + last,
    ];
    if (c <= x1 || a >= x2 || d <= y1 || b >= y2) continue;
    const inter = fround(fround(min(c, x2) - max(a, x1)) * fround(min(d, y2) - max(b, y1)));
    const own = fround(fround(c - a) * fround(d - b));
    found.set(i, fround(inter / fround(fround(own + area) - inter)));
  }
  return found;
}

/**
 * Indices of boxes to learn from, ascending: at most `most`, at most `share` of them matched, the rest background;
 * uniformly at random, by `random` in [0, 1).
 */
export function sample(
  targets: Int32Array,
  most: number,
  share: number,
  random: () => number,
): { positive: number[]; negative: number[] } {
  const all = (wanted: (target: number) => boolean) => [...targets.keys()].filter((i) => wanted(targets[i]!));
  const positive = choose(
    all((target) => target >= 0),
    Math.floor(most * share),
    random,
  );
  const negative = choose(
    all((target) => target === BACKGROUND),
    most - positive.length,
    random,
  );
  return { positive, negative };
}

/** `count` of `items`, or all, in their order: Fisher and Yates. */
function choose(items: number[], count: number, random: () => number): number[] {
  const end = min(count, items.length);
  for (let i = 0; i < end; i++) {
    const j = i + Math.floor(random() * (items.length - i));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items.slice(0, end).sort((a, b) => a - b);
}
