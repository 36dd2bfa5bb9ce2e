// Matching, sampling, targets and the five losses as the page Explore shows them, against torchvision's.

import { describe, expect, test } from 'vitest';
import { type Box, boxAt, iouOf } from '../../demo/explore/logic/boxes';
import {
  BOX_WEIGHTS,
  boxLoss,
  classLoss,
  encode,
  maskLoss,
  objectnessLoss,
  RPN_WEIGHTS,
  smoothL1,
} from '../../demo/explore/logic/losses';
import { maskTarget } from '../../demo/explore/logic/mask_target';
import {
  ANCHOR_RULE,
  BACKGROUND,
  IGNORED,
  match,
  PROPOSAL_RULE,
  sample,
} from '../../demo/explore/logic/matcher';
import { readGolden } from '../golden_file';

const golden = readGolden('training');
const numbers = (name: string): number[] => [...golden.tensor(name).data];
const rows = (name: string, width: number) => {
  const { data } = golden.tensor(name);
  return Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
};
const truths = rows('truths', 4).map((row) => boxAt(row, 0));
const anchors = golden.floats('anchors').data;
const proposals = golden.floats('proposals').data;
const labels = numbers('truth_labels');

/** A loss agrees to float32's rounding of sums. */
const expectLoss = ({ loss }: { loss: number }, name: string) => {
  const [wanted] = numbers(name);
  expect(wanted).toBeGreaterThan(0);
  expect(Math.abs(loss - wanted!) / wanted!, name).toBeLessThan(1e-6);
};

describe('matching', () => {
  test('anchors: matched, background, ignored, and the best of each truth', () => {
    const { targets, iou } = match(anchors, truths, ANCHOR_RULE);
    const ours = Array.from(targets, (target) => (target >= 0 ? 1 : target === BACKGROUND ? 0 : -1));
    expect(ours).toEqual(numbers('anchor_labels'));
    expect([...iou]).toEqual(numbers('anchor_iou'));
    expect(new Set(ours).size).toBe(3);
    // some truths overlap no anchor by 0.7, and are matched all the same
    expect(targets.some((target, i) => target >= 0 && iou[i]! < 0.7)).toBe(true);
  });

  test('a truth that no anchor overlaps makes nearly all match, as in torchvision', () => {
    const outside = truths.map((truth, i): Box => (i === 2 ? [500, 500, 510, 510] : truth));
    const { targets } = match(anchors, outside, ANCHOR_RULE);
    const ours = Array.from(targets, (target) => (target >= 0 ? 1 : target === BACKGROUND ? 0 : -1));
    expect(ours).toEqual(numbers('anchor_labels_outside'));
  });

  test('proposals, and pictures without truths', () => {
    const { targets } = match(proposals, truths, PROPOSAL_RULE);
    expect(Array.from(targets, (target) => (target < 0 ? 0 : labels[target]))).toEqual(
      numbers('proposal_labels'),
    );
    expect(Array.from(targets, (target) => Math.max(target, 0))).toEqual(numbers('proposal_matches'));
    for (const rule of [ANCHOR_RULE, PROPOSAL_RULE]) {
      expect(new Set(match(proposals, [], rule).targets)).toEqual(new Set([BACKGROUND]));
    }
  });

  test('the example of two truths and five boxes', () => {
    // boxes as wide as their IoU with a truth of 100 x 1 is in hundredths
    const truth: Box = [0, 0, 100, 1];
    const boxes = [90, 29, 50, 65, 10].flatMap((width) => [0, 0, width, 1]);
    const { targets } = match(boxes, [truth], ANCHOR_RULE);
    expect([...targets]).toEqual([0, BACKGROUND, IGNORED, IGNORED, BACKGROUND]);
    expect(iouOf(truth, [0, 0, 50, 1])).toBe(0.5);
  });
});

describe('sampling', () => {
  const random = (
    (state = 1) =>
    () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    }
  )();
  test('at most a share of matched ones, filled up with background, nothing twice', () => {
    const targets = Int32Array.from({ length: 400 }, (_, i) =>
      i % 2 ? i % 5 : i % 3 ? BACKGROUND : IGNORED,
    );
    const { positive, negative } = sample(targets, 100, 0.25, random);
    expect([positive.length, negative.length]).toEqual([25, 75]);
    expect(new Set([...positive, ...negative]).size).toBe(100);
    expect(positive.every((i) => targets[i]! >= 0)).toBe(true);
    expect(negative.every((i) => targets[i] === BACKGROUND)).toBe(true);
    expect(positive).toEqual([...positive].sort((a, b) => a - b));
  });
  test('fewer where there are not enough, and each as likely as the others', () => {
    const few = Int32Array.from([0, BACKGROUND, BACKGROUND, IGNORED]);
    expect(sample(few, 100, 0.5, random)).toEqual({ positive: [0], negative: [1, 2] });
    const times = new Array(6).fill(0);
    const targets = new Int32Array(6).fill(BACKGROUND);
    for (let run = 0; run < 6000; run++) for (const i of sample(targets, 2, 0.5, random).negative) times[i]++;
    for (const count of times) expect(Math.abs(count - 2000)).toBeLessThan(150); // 4 standard deviations
  });
});

describe('losses', () => {
  test('smooth L1 at beta, below and above', () => {
    const values = [0.05, 0.2, 1, -1, 1 / 9].map(smoothL1);
    [0.01125, 0.1444444, 0.9444445, 0.9444445, 1 / 18].forEach((want, i) => {
      expect(values[i]).toBeCloseTo(want, 6);
    });
  });

  test('deltas of the example, with the weights of RPN and heads', () => {
    const [anchor, truth]: Box[] = [
      [10, 20, 50, 100],
      [12, 18, 60, 90],
    ];
    encode(anchor!, truth!, RPN_WEIGHTS).forEach((delta, k) => {
      expect(delta).toBeCloseTo([0.15, -0.075, 0.1823216, -0.1053605][k]!, 6);
    });
    encode(anchor!, truth!, BOX_WEIGHTS).forEach((delta, k) => {
      expect(delta).toBeCloseTo([1.5, -0.75, 0.911608, -0.5268027][k]!, 6);
    });
  });

  test('of the RPN', () => {
    const { targets } = match(anchors, truths, ANCHOR_RULE);
    const [positive, negative] = [numbers('anchor_positive'), numbers('anchor_negative')];
    const logits = numbers('objectness');
    const sampled = [...positive, ...negative];
    const wanted = sampled.map((i) => (targets[i]! >= 0 ? 1 : 0));
    expectLoss(
      objectnessLoss(
        sampled.map((i) => logits[i]!),
        wanted,
      ),
      'loss_objectness',
    );
    const deltas = rows('rpn_deltas', 4);
    const encoded = positive.map((i) => encode(boxAt(anchors, i), truths[targets[i]!]!, RPN_WEIGHTS));
    encoded.forEach((row, k) => {
      const want = rows('anchor_targets', 4)[positive[k]!]!;
      row.forEach((delta, axis) => {
        expect(delta).toBeCloseTo(want[axis]!, 5);
      });
    });
    const chosen = positive.map((i) => [...deltas[i]!]);
    expectLoss(boxLoss(chosen, encoded, sampled.length), 'loss_rpn_box_reg');
  });

  test('of the box head', () => {
    const { targets } = match(proposals, truths, PROPOSAL_RULE);
    const [positive, negative] = [numbers('proposal_positive'), numbers('proposal_negative')];
    const sampled = [...positive, ...negative];
    const classes = targets.map((target) => (target < 0 ? 0 : labels[target]!));
    const logits = rows('class_logits', 4);
    expectLoss(
      classLoss(
        sampled.map((i) => logits[i]!),
        sampled.map((i) => classes[i]!),
      ),
      'loss_classifier',
    );
    const regression = rows('box_regression', 16);
    const chosen = positive.map((i) => [...regression[i]!.slice(4 * classes[i]!, 4 * classes[i]! + 4)]);
    const encoded = positive.map((i) => encode(boxAt(proposals, i), truths[targets[i]!]!, BOX_WEIGHTS));
    expectLoss(boxLoss(chosen, encoded, sampled.length), 'loss_box_reg');
  });

  test('of the mask head, whose targets are not thresholded', () => {
    const { targets } = match(proposals, truths, PROPOSAL_RULE);
    const regions = numbers('mask_regions');
    const masks = rows('truth_masks', 96 * 128).map((data) => ({ height: 96, width: 128, data }));
    const ours = regions.map((i) => maskTarget(masks[targets[i]!]!, boxAt(proposals, i), 28));
    const theirs = rows('mask_targets', 28 * 28);
    ours.forEach((mask, k) => {
      mask.forEach((value, cell) => {
        expect(Math.abs(value - theirs[k]![cell]!)).toBeLessThan(1e-5);
      });
    });
    expect(ours.flatMap((mask) => [...mask]).some((value) => value > 0.2 && value < 0.8)).toBe(true);
    expectLoss(maskLoss(rows('mask_logits', 28 * 28), ours), 'loss_mask');
  });
});
