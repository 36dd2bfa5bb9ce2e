// The joint loss of Mask R-CNN: He et al. 2017 (arXiv:1703.06870), section 3, L = L_cls + L_box + L_mask, after the
// two of the RPN: Ren et al. 2015 (arXiv:1506.01497), equation 1. Each with the normalisation of torchvision.

import type { Box } from './boxes';

const { abs, exp, log, log1p, max } = Math;

/** A loss, and what each of its terms adds: `loss` is their sum divided by `count`. */
export interface Loss {
  readonly loss: number;
  readonly terms: readonly number[];
  readonly count: number;
}

function mean(terms: readonly number[], count = terms.length): Loss {
  return { loss: terms.reduce((sum, term) => sum + term, 0) / max(count, 1), terms, count };
}

/** Below `BETA` a parabola, above it a line. */
export const BETA = 1 / 9;

/** Girshick 2015, Fast R-CNN (arXiv:1504.08083), equation 3, with torchvision's beta. */
export function smoothL1(x: number): number {
  return abs(x) < BETA ? (0.5 * x * x) / BETA : abs(x) - 0.5 * BETA;
}

/** -log of the sigmoid's probability of `target`, 0..1. */
export function binaryCrossEntropy(logit: number, target: number): number {
  return max(logit, 0) - logit * target + log1p(exp(-abs(logit)));
}

/** -log of the softmax's probability of class `target`. */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  const most = Math.max(...Array.from(logits));
  const sum = Array.from(logits).reduce((total, logit) => total + exp(logit - most), 0);
  return log(sum) + most - logits[target]!;
}

/** loss_objectness: the mean over all sampled anchors. `targets` 1 for matched, 0 for background. */
export function objectnessLoss(logits: readonly number[], targets: readonly number[]): Loss {
  return mean(logits.map((logit, i) => binaryCrossEntropy(logit, targets[i]!)));
}

/** loss_rpn_box_reg and loss_box_reg: over the matched ones' deltas, divided by the number of all that were sampled. */
export function boxLoss(
  deltas: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
  sampled: number,
): Loss {
  const terms = deltas.map((row, i) =>
    row.reduce((sum, delta, k) => sum + smoothL1(delta - targets[i]![k]!), 0),
  );
  return mean(terms, sampled);
}

/** loss_classifier: the mean over all sampled proposals, background (class 0) included. */
export function classLoss(logits: readonly ArrayLike<number>[], labels: readonly number[]): Loss {
  return mean(logits.map((row, i) => crossEntropy(row, labels[i]!)));
}

/** loss_mask: the mean over all cells of all regions; each region's logits are those of its own class. */
export function maskLoss(logits: readonly ArrayLike<number>[], targets: readonly ArrayLike<number>[]): Loss {
  const terms = logits.map((mask, i) => {
    const cells = Array.from(mask, (logit, k) => binaryCrossEntropy(logit, targets[i]![k]!));
    return mean(cells).loss;
  });
  return mean(terms);
}

/**
 * The deltas that turn `box` into `truth`, times the weights: what the heads should say. `last`: 1 where x2 and y2 are
 * a box's last pixels.
 */
export function encode(box: Box, truth: Box, [wx, wy, ww, wh]: readonly number[], last = 0): number[] {
  const [w, h] = [box[2] - box[0] + last, box[3] - box[1] + last];
  const [gw, gh] = [truth[2] - truth[0] + last, truth[3] - truth[1] + last];
  const dx = (truth[0] + 0.5 * gw - (box[0] + 0.5 * w)) / w;
  const dy = (truth[1] + 0.5 * gh - (box[1] + 0.5 * h)) / h;
  return [wx! * dx, wy! * dy, ww! * log(gw / w), wh! * log(gh / h)];
}

/** Of torchvision's box coders. */
export const RPN_WEIGHTS = [1, 1, 1, 1] as const;
export const BOX_WEIGHTS = [10, 10, 5, 5] as const;
