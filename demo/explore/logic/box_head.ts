// What the box head says of every proposal, and which of its boxes become detections: Girshick 2015, Fast R-CNN
// (arXiv:1504.08083), section 2. All tensors are the run's; only the thresholds may be the visitor's.

import type { HostTensor } from '../../../src/index';
import type { RunInfo } from '../../engine/explore_run';
import type { Candidates } from './nms_film';
import { inputOf } from './pooling';
import { isScore } from './rpn';

const NAMES = [
  'logits', // [R, K]
  'scores', // [R, K], softmax
  'regression', // [R, 4 B], B classes or one for all
  'proposals', // [R, 4]
  'count', // [1]
  'boxes', // [K - 1, R, 4], of each class's candidates, best first
  'candidates', // [K - 1, R], their scores
  'offsets', // [K - 1]
  'kept', // [K - 1, R], the scores of those that were not suppressed
] as const;

/** Where a model keeps what it says of a class: families differ in where the background stands, and what it has. */
export interface Columns {
  /** Of scores and logits, by class; 0 is the background. */
  score(label: number): number;
  /** Of the regression, in quads; undefined for the background. */
  box(label: number): number | undefined;
}

export type BoxHead = Readonly<Record<(typeof NAMES)[number], HostTensor>> & { readonly columns: Columns };

/** The labels of the tensors of a `BoxHead`, in the order that `boxHeadOf` takes. */
export function boxHeadLabels({ nodes }: Pick<RunInfo, 'nodes'>): string[] {
  const node = nodes.find(({ label }) => label === 'roi_heads.sort_candidates')!;
  const softmax = nodes.find(({ label }) => label === 'roi_heads.softmax')!;
  return [
    inputOf(softmax, 'input'),
    ...['scores', 'regression', 'proposals', 'count'].map((name) => inputOf(node, name)),
    ...node.outputs.map(({ label }) => label),
    'roi_heads.nms_offset.offsets',
    'roi_heads.nms_scan',
  ];
}

/** `tensors`: of `boxHeadLabels`. */
export function boxHeadOf(info: Pick<RunInfo, 'nodes'>, tensors: readonly HostTensor[]): BoxHead {
  const named = Object.fromEntries(NAMES.map((name, i) => [name, tensors[i]!]));
  return { ...named, columns: columnsOf(info) } as unknown as BoxHead;
}

/** From the parameters of the kernel that reads them. */
export function columnsOf({ nodes }: Pick<RunInfo, 'nodes'>): Columns {
  const { params } = nodes.find(({ label }) => label === 'roi_heads.sort_candidates')!;
  const { classes, first_score: first, box_classes: boxClasses, first_box: firstBox } = params;
  return {
    score: (label) => (label === 0 ? (first === 0 ? classes! - 1 : 0) : label - 1 + first!),
    box: (label) => (label === 0 ? undefined : boxClasses === 1 ? 0 : label - 1 + firstBox!),
  };
}

/** The candidates of a class, from `least` on, as suppression gets them. */
export function classCandidates(
  { boxes, candidates, offsets }: BoxHead,
  label: number,
  least: number,
  inclusive: boolean,
): Candidates {
  const count = candidates.shape[1]!;
  const first = (label - 1) * count;
  const scores = candidates.data.subarray(first, first + count);
  return {
    boxes: boxes.data.subarray(4 * first, 4 * (first + count)),
    isBox: (i) => isScore(scores[i]!) && scores[i]! >= least,
    count,
    offset: offsets.data[label - 1]!,
    inclusive,
  };
}

/** How many candidates each class has; index 0, the background, has none. */
export function candidateCounts({ candidates }: BoxHead): number[] {
  const [classes, rows] = candidates.shape as [number, number];
  const count = (label: number) =>
    candidates.data.subarray((label - 1) * rows, label * rows).filter(isScore).length;
  return Array.from({ length: classes + 1 }, (_, label) => (label === 0 ? 0 : count(label)));
}

/**
 * The proposal of each candidate of a class. Candidates are sorted by score, equal ones by proposal; a proposal
 * whose box is too small once clipped has no candidate.
 */
export function proposalsOf({ scores, count, candidates, columns }: BoxHead, label: number): number[] {
  const [, classes] = scores.shape as [number, number];
  const rows = candidates.shape[1]!;
  const score = (proposal: number) => scores.data[proposal * classes + columns.score(label)]!;
  const order = Array.from({ length: count.data[0]! }, (_, i) => i).sort(
    (a, b) => score(b) - score(a) || a - b,
  );
  const own = candidates.data.subarray((label - 1) * rows, label * rows);
  const found: number[] = [];
  let at = 0;
  for (let i = 0; i < rows && isScore(own[i]!); i++) {
    while (at < order.length - 1 && score(order[at]!) !== own[i]) at++;
    found.push(order[at++]!);
  }
  return found;
}

export interface ClassOpinion {
  readonly label: number;
  readonly logit: number;
  readonly score: number;
  /** dx, dy, dw, dh: of the weights 10, 10, 5, 5; none for the background. */
  readonly deltas: readonly number[];
}

/** What the head says of a proposal, class by class, best first. */
export function opinionsOf(head: BoxHead, proposal: number): ClassOpinion[] {
  const { logits, scores, regression, columns } = head;
  const classes = scores.shape[1]!;
  const row = (label: number): ClassOpinion => {
    const at = proposal * classes + columns.score(label);
    const box = columns.box(label);
    const first = proposal * regression.shape[1]! + 4 * (box ?? 0);
    const deltas = box === undefined ? [] : [...regression.data.subarray(first, first + 4)];
    return { label, logit: logits.data[at]!, score: scores.data[at]!, deltas };
  };
  return Array.from({ length: classes }, (_, label) => row(label)).sort((a, b) => b.score - a.score);
}

/** Whether these are the candidates of a class that the run kept. */
export function areKept({ kept }: BoxHead, label: number, keepers: readonly number[]): boolean {
  const rows = kept.shape[1]!;
  const own = kept.data.subarray((label - 1) * rows, label * rows);
  const theirs = Array.from(own.keys()).filter((i) => isScore(own[i]!));
  return String(theirs) === String(keepers);
}
