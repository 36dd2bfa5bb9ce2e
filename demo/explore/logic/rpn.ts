// The region proposal network of a run: where its tensors are, its anchors, and how deltas make boxes of them.
// Ren et al. 2015, Faster R-CNN (arXiv:1506.01497), section 3.1; roundings as shaders/lib/decode.wgsl.

import type { Config, HostTensor } from '../../../src/index';
import { NONE } from '../../../src/kernels/top_k';
import type { NodeInfo, RunInfo } from '../../engine/explore_run';

const { fround } = Math;

/** x1 y1 x2 y2 in pixels of the resized picture. */
export type RegionBox = readonly [number, number, number, number];

export interface RpnLevel {
  /** P2, P3, …; `map` where there is but one. */
  readonly name: string;
  readonly objectness: NodeInfo;
  readonly deltas: NodeInfo;
  readonly height: number;
  readonly width: number;
  /** Anchors of a cell. */
  readonly anchors: number;
}

/** The levels, finest first. */
export function rpnLevels({ nodes }: Pick<RunInfo, 'nodes'>): RpnLevel[] {
  const named = (name: string) => nodes.filter(({ label }) => label.split('@')[0] === `rpn.head.${name}`);
  const deltas = named('bbox_pred');
  return named('cls_logits').map((objectness, i) => {
    const [, height, width, anchors] = objectness.outputs[0]!.shape as [number, number, number, number];
    const level = objectness.label.split('@')[1];
    return { name: level?.toUpperCase() ?? 'map', objectness, deltas: deltas[i]!, height, width, anchors };
  });
}

/** Labels of what comes after the head, in this order. */
export const RPN_TABLES = {
  levels: 'rpn.levels',
  cells: 'rpn.cells',
  indices: 'rpn.top_k.indices',
  top: 'rpn.top_k.top',
  boxes: 'rpn.decode_proposals.boxes',
  scores: 'rpn.decode_proposals.scores',
  offsets: 'rpn.nms_offset.offsets',
  extents: 'rpn.nms_offset.extents',
  kept: 'rpn.nms_scan',
  chosen: 'rpn.best.indices',
  count: 'rpn.gather_detections.count',
} as const;

export type RpnTables = Readonly<Record<keyof typeof RPN_TABLES, HostTensor>>;

/** The tensors by name, from those that came in the order of `RPN_TABLES`. */
export function tablesOf(tensors: readonly HostTensor[]): RpnTables {
  return Object.fromEntries(
    Object.keys(RPN_TABLES).map((name, i) => [name, tensors[i]!]),
  ) as unknown as RpnTables;
}

/** Anchor `a` of a cell of level `level`: the cell's anchors, moved there. */
export function anchorBox(
  { levels, cells }: Pick<RpnTables, 'levels' | 'cells'>,
  level: number,
  y: number,
  x: number,
  a: number,
): RegionBox {
  const [, , strideY, strideX] = levels.data.subarray(4 * level) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const anchors = cells.shape[1]!;
  const [x1, y1, x2, y2] = cells.data.subarray(4 * (level * anchors + a)) as unknown as RegionBox;
  return [x1 + x * strideX, y1 + y * strideY, x2 + x * strideX, y2 + y * strideY];
}

/** ln(1000 / 16): a side grows 62.5 times at most. */
const MAX_LOG_SCALE = 4.135166556742356;

export type Deltas = readonly [dx: number, dy: number, dw: number, dh: number];

/** The box that deltas make of an anchor; not clipped. */
export function decode(
  anchor: RegionBox,
  [dx, dy, dw, dh]: Deltas,
  { inclusiveBoxes, clampBelow }: Pick<Config, 'inclusiveBoxes' | 'clampBelow'>,
): RegionBox {
  const last = inclusiveBoxes ? 1 : 0;
  const least = clampBelow ? -MAX_LOG_SCALE : Number.NEGATIVE_INFINITY;
  const axis = (low: number, high: number, shift: number, growth: number) => {
    const size = fround(high - low + last);
    const centre = fround(fround(shift * size) + fround(low + 0.5 * size));
    const half = fround(
      0.5 * fround(fround(Math.exp(Math.max(Math.min(growth, MAX_LOG_SCALE), least))) * size),
    );
    return [fround(centre - half), fround(fround(centre + half) - last)] as const;
  };
  const [x1, x2] = axis(anchor[0], anchor[2], dx, dw);
  const [y1, y2] = axis(anchor[1], anchor[3], dy, dh);
  return [x1, y1, x2, y2];
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** How many candidates each step leaves of a level. */
export interface LevelCounts {
  readonly anchors: number;
  /** The best k by objectness. */
  readonly top: number;
  /** Of those, large enough after clipping. */
  readonly boxes: number;
  /** After suppression within the level. */
  readonly kept: number;
  /** Among the best of all levels. */
  readonly proposals: number;
}

export function levelCounts(levels: readonly RpnLevel[], tables: RpnTables): LevelCounts[] {
  const capacity = tables.top.shape[1]!;
  const count = (tensor: HostTensor, level: number) =>
    [...tensor.data.subarray(level * capacity, (level + 1) * capacity)].filter(isScore).length;
  const chosen = [...tables.chosen.data.subarray(0, tables.count.data[0]!)];
  return levels.map(({ height, width, anchors }, level) => ({
    anchors: height * width * anchors,
    top: count(tables.top, level),
    boxes: count(tables.scores, level),
    kept: count(tables.kept, level),
    proposals: chosen.filter((index) => Math.floor(index / capacity) === level).length,
  }));
}

/** Whether a number of `scores` stands for a box. */
export function isScore(score: number): boolean {
  return score > NONE;
}
