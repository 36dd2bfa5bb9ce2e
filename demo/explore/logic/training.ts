// The five losses of a run, if some of its own detections were the ground truth: what each part of the network would
// be told in training. Ren et al. 2015 (arXiv:1506.01497), He et al. 2017 (arXiv:1703.06870), numbers as torchvision's.

import type { HostTensor } from '../../../src/index';
import type { RunInfo } from '../../engine/explore_run';
import type { Columns } from './box_head';
import { type Box, boxAt } from './boxes';
import * as losses from './losses';
import { firstMask } from './mask_head';
import { holds } from './mask_pairs';
import { maskTarget } from './mask_target';
import { ANCHOR_RULE, match, PROPOSAL_RULE, sample } from './matcher';
import { anchorBox, type RpnLevel, type RpnTables } from './rpn';

/** Boxes with what the network says of each: all anchors, or all proposals. */
export interface Learners {
  // [N, 4]
  readonly boxes: Float32Array;
  /** The class logits: one of an anchor, K of a proposal. */
  readonly logits: ArrayLike<number>;
  /** Four of an anchor, 4K of a proposal. */
  readonly deltas: ArrayLike<number>;
}

export interface Truths {
  /** In resized pixels. */
  readonly boxes: readonly Box[];
  readonly labels: readonly number[];
  /** Places in the run's list of what was found. */
  readonly objects: readonly number[];
  /** By how many resized pixels they were moved to the right. */
  readonly shift: number;
  /** 1 where x2 and y2 are a box's last pixels, else 0. */
  readonly last: number;
}

export interface Lesson {
  readonly targets: Int32Array;
  readonly iou: Float32Array;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
  readonly classes: losses.Loss;
  readonly regression: losses.Loss;
}

/** Of torchvision's samplers. */
export const ANCHORS = { most: 256, share: 0.5 };
export const PROPOSALS = { most: 512, share: 0.25 };

/** All anchors of all levels, in the order of the head's outputs. */
export function anchorsOf(
  levels: readonly RpnLevel[],
  tables: RpnTables,
  maps: readonly HostTensor[],
): Learners {
  const boxes = levels.flatMap(({ height, width, anchors }, level) =>
    Array.from({ length: height * width * anchors }, (_, i) => {
      const [cell, a] = [Math.floor(i / anchors), i % anchors];
      return anchorBox(tables, level, Math.floor(cell / width), cell % width, a);
    }),
  );
  const joined = (tensors: readonly HostTensor[]) => {
    const whole = new Float32Array(tensors.reduce((sum, { data }) => sum + data.length, 0));
    let at = 0;
    for (const { data } of tensors) {
      whole.set(data, at);
      at += data.length;
    }
    return whole;
  };
  const logits = joined(maps.slice(0, levels.length));
  return { boxes: Float32Array.from(boxes.flat()), logits, deltas: joined(maps.slice(levels.length)) };
}

/** What the RPN is told. */
export function anchorLesson(anchors: Learners, truths: Truths, random: () => number): Lesson {
  const { boxes, logits, deltas } = anchors;
  const { targets, iou } = match(boxes, truths.boxes, ANCHOR_RULE, truths.last);
  const { positive, negative } = sample(targets, ANCHORS.most, ANCHORS.share, random);
  const sampled = [...positive, ...negative];
  const classes = losses.objectnessLoss(
    sampled.map((i) => logits[i]!),
    sampled.map((i) => (targets[i]! >= 0 ? 1 : 0)),
  );
  const said = positive.map((i) => [0, 1, 2, 3].map((k) => deltas[4 * i + k]!));
  const wanted = positive.map((i) =>
    losses.encode(boxAt(boxes, i), truths.boxes[targets[i]!]!, losses.RPN_WEIGHTS, truths.last),
  );
  return {
    targets,
    iou,
    positive,
    negative,
    classes,
    regression: losses.boxLoss(said, wanted, sampled.length),
  };
}

/** What the box head is told. `classCount`: with the background; `boxCount`: quads of deltas of a proposal. */
export function proposalLesson(
  { boxes, logits, deltas }: Learners,
  truths: Truths,
  { columns, classCount, boxCount }: { columns: Columns; classCount: number; boxCount: number },
  random: () => number,
): Lesson {
  const { targets, iou } = match(boxes, truths.boxes, PROPOSAL_RULE, truths.last);
  const { positive, negative } = sample(targets, PROPOSALS.most, PROPOSALS.share, random);
  const sampled = [...positive, ...negative];
  const label = (i: number) => (targets[i]! >= 0 ? truths.labels[targets[i]!]! : 0);
  const row = (i: number) => Array.from({ length: classCount }, (_, k) => logits[i * classCount + k]!);
  const classes = losses.classLoss(
    sampled.map(row),
    sampled.map((i) => columns.score(label(i))),
  );
  const quad = (i: number) => 4 * (i * boxCount + columns.box(label(i))!);
  const said = positive.map((i) => [0, 1, 2, 3].map((k) => deltas[quad(i) + k]!));
  const wanted = positive.map((i) =>
    losses.encode(boxAt(boxes, i), truths.boxes[targets[i]!]!, losses.BOX_WEIGHTS, truths.last),
  );
  return {
    targets,
    iou,
    positive,
    negative,
    classes,
    regression: losses.boxLoss(said, wanted, sampled.length),
  };
}

/** A region whose mask is to be learned. */
export interface MaskTask {
  /** Places among the detections and among the truths. */
  readonly detection: number;
  readonly truth: number;
  // [M, M]: the logits of the truth's class, and what their sigmoids should be
  readonly said: Float32Array;
  readonly wanted: Float32Array;
}

export interface MaskLesson {
  readonly side: number;
  readonly tasks: readonly MaskTask[];
  /** Its terms are the tasks', each the mean over its cells. */
  readonly loss: losses.Loss;
}

/** What the mask head is told, of the detections that it has seen. detections [D, 4], logits [D, M, M, K] */
export function maskLesson(
  info: RunInfo,
  detections: Float32Array,
  logits: HostTensor,
  truths: Truths,
): MaskLesson {
  const [, side, , classes] = logits.shape as [number, number, number, number];
  const { targets } = match(detections, truths.boxes, PROPOSAL_RULE, truths.last);
  const matched = [...targets.keys()].filter((i) => targets[i]! >= 0);
  const first = firstMask(info);
  const tasks = matched.map((detection): MaskTask => {
    const truth = targets[detection]!;
    const channel = truths.labels[truth]! - first;
    const cell = (i: number) => logits.data[(detection * side * side + i) * classes + channel]!;
    const said = Float32Array.from({ length: side * side }, (_, i) => cell(i));
    const [x1, y1, x2, y2] = boxAt(detections, detection);
    const region: Box = [x1, y1, x2 + truths.last, y2 + truths.last];
    return { detection, truth, said, wanted: maskTarget(truthMask(info, truths, truth), region, side) };
  });
  const loss = losses.maskLoss(
    tasks.map(({ said }) => said),
    tasks.map(({ wanted }) => wanted),
  );
  return { side, tasks, loss };
}

/** A truth's mask in resized pixels, by the nearest pixel of the picture, as torchvision resizes targets. */
function truthMask({ picture, resized, found }: RunInfo, { objects, shift }: Truths, truth: number) {
  const { height, width } = resized;
  const mask = found[objects[truth]!]!.mask!;
  const nearest = (at: number, from: number, to: number) =>
    Math.min(Math.floor(at * Math.fround(from / to)), from - 1);
  const data = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = nearest(y, picture.height, height);
    if (row < mask.y || row >= mask.y + mask.height) continue;
    for (let x = Math.max(0, shift); x < Math.min(width, width + shift); x++) {
      data[y * width + x] = holds(mask, row, nearest(x - shift, picture.width, width)) ? 1 : 0;
    }
  }
  return { height, width, data };
}

/** Numbers in [0, 1) that a seed decides: Park and Miller 1988. */
export function seeded(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state - 1) / 2147483646;
  };
}
