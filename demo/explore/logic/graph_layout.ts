// Where the nodes of a run stand on the map. Left to right as data flows; bottom to top as maps get coarser, as FPN's
// paper draws it (Lin et al. 2017, arXiv:1612.03144, figure 1): a row for each stride, a column for each residual
// block. What are lists of boxes and no maps over the picture stand in columns of their own.

import type { NodeInfo, RunInfo } from '../../engine/explore_run';
import { STAGES, type Stage, stageOf } from './stages';

export const NODE_WIDTH = 54;
export const NODE_HEIGHT = 20;
const GAP_X = 10;
const GAP_Y = 5;
const ROW_GAP = 22;
/** Between two stages. */
const STAGE_GAP = 28;
/** Above the map, for the stages' names; beside it, for the strides. */
const HEAD = 30;
const SIDE = 44;
/** Width of a letter of a title, about. */
const LETTER = 7.5;
/** Lists stand in columns of so many, at most. */
const STACK = 8;

export interface Place {
  readonly node: NodeInfo;
  readonly x: number;
  readonly y: number;
}

export interface Edge {
  readonly from: Place;
  readonly to: Place;
}

export interface GraphLayout {
  /** In the order in which nodes run. */
  readonly places: readonly Place[];
  readonly edges: readonly Edge[];
  readonly stages: readonly { readonly title: string; readonly x: number; readonly width: number }[];
  readonly rows: readonly { readonly stride: number; readonly y: number; readonly height: number }[];
  readonly width: number;
  readonly height: number;
}

/** A node with its row (a stride; none for lists) and its column, counted from the stage's first. */
interface Slot {
  readonly node: NodeInfo;
  readonly stage: Stage;
  readonly stride: number | undefined;
  readonly column: number;
}

export function layoutGraph({
  nodes,
  canvas,
  wholes,
}: Pick<RunInfo, 'nodes' | 'canvas' | 'wholes'>): GraphLayout {
  const slots = slotsOf(nodes, canvas.height);
  const rows = rowsOf(slots);
  const bottom = rows.reduce((end, row) => Math.max(end, row.y + row.height), HEAD);
  const places: Place[] = [];
  const stages: GraphLayout['stages'][number][] = [];
  let left = SIDE;
  let height = bottom;
  for (const [stage, title] of STAGES) {
    const own = slots.filter((slot) => slot.stage === stage);
    if (own.length === 0) continue;
    const columns = Math.max(...own.map(({ column }) => column)) + 1;
    for (const slot of own) {
      const place = placeOf(slot, own, rows, left, bottom);
      places.push(place);
      height = Math.max(height, place.y + NODE_HEIGHT);
    }
    const width = Math.max(columns * (NODE_WIDTH + GAP_X) - GAP_X, title.length * LETTER);
    stages.push({ title, x: left, width });
    left += width + STAGE_GAP;
  }
  places.sort((a, b) => nodes.indexOf(a.node) - nodes.indexOf(b.node));
  return { places, edges: edgesOf(places, wholes), stages, rows, width: left, height: height + GAP_Y };
}

function slotsOf(nodes: readonly NodeInfo[], canvasHeight: number): Slot[] {
  const columns = new Map<Stage, Map<string, number>>();
  const lists = new Map<Stage, number>();
  return nodes.map((node): Slot => {
    const stage = sectionOf(node.label);
    const stride = strideOf(node, canvasHeight);
    if (stride === undefined) {
      const before = lists.get(stage) ?? 0;
      lists.set(stage, before + 1);
      return { node, stage, stride, column: Math.floor(before / STACK) };
    }
    const known = columns.get(stage) ?? new Map<string, number>();
    columns.set(stage, known);
    const block = blockOf(node.label, stage);
    const column = known.get(block) ?? (stage === 'fpn' ? (FPN_COLUMNS[block] ?? 2) : known.size);
    known.set(block, column);
    return { node, stage, stride, column };
  });
}

/** The picture stands below the stem, in its column. */
function sectionOf(label: string): Stage {
  const stage = stageOf(label);
  return stage === 'input' ? 'backbone' : stage;
}

/** Pixels of the network's input for a cell; undefined for what is no map over it. */
export function strideOf({ outputs, label }: NodeInfo, canvasHeight: number): number | undefined {
  const shape = outputs[0]?.shape ?? [];
  const stage = sectionOf(label);
  const isMap = shape.length === 4 && shape[0] === 1 && ['backbone', 'fpn', 'rpn'].includes(stage);
  return isMap ? 2 ** Math.round(Math.log2(canvasHeight / shape[1]!)) : undefined;
}

const FPN_COLUMNS: Record<string, number> = { inner_blocks: 0, top_down: 1, layer_blocks: 2, pool: 2 };

/** What shares a column: a residual block; a step of the pyramid; a layer of the head on all levels. */
function blockOf(label: string, stage: Stage): string {
  const name = label.replace(/@.*$/, '');
  if (stage === 'fpn') return name.split('.')[2]!;
  if (stage === 'rpn') return /cls_logits|bbox_pred/.test(name) ? 'predictor' : name;
  return /^(.*\.\d+)\.\D/.exec(name)?.[1] ?? (stage === 'backbone' ? 'stem' : name);
}

/** The rows from the coarsest, at the top, as high as their fullest column. */
function rowsOf(slots: readonly Slot[]): { stride: number; y: number; height: number }[] {
  const strides = [...new Set(slots.flatMap(({ stride }) => stride ?? []))].sort((a, b) => b - a);
  let y = HEAD;
  return strides.map((stride) => {
    const counts = new Map<string, number>();
    for (const slot of slots.filter((slot) => slot.stride === stride)) {
      const key = `${slot.stage} ${slot.column}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const height = Math.max(...counts.values()) * (NODE_HEIGHT + GAP_Y) - GAP_Y;
    const row = { stride, y, height };
    y += height + ROW_GAP;
    return row;
  });
}

function placeOf(
  slot: Slot,
  stage: readonly Slot[],
  rows: GraphLayout['rows'],
  left: number,
  bottom: number,
): Place {
  const x = left + slot.column * (NODE_WIDTH + GAP_X);
  const beside = stage.filter(({ column, stride }) => column === slot.column && stride === slot.stride);
  const row = rows.find(({ stride }) => stride === slot.stride) ?? { y: HEAD, height: bottom - HEAD };
  const pitch = NODE_HEIGHT + GAP_Y;
  const top = row.y + (row.height - (beside.length * pitch - GAP_Y)) / 2;
  return { node: slot.node, x, y: Math.max(HEAD, top) + beside.indexOf(slot) * pitch };
}

/** From the node that writes a tensor, or any part of it, to each that reads it. */
function edgesOf(places: readonly Place[], wholes: RunInfo['wholes']): Edge[] {
  const writers = new Map(
    places.flatMap((place) => place.node.outputs.map(({ label }): [string, Place] => [label, place])),
  );
  return places.flatMap((to) => {
    const read = to.node.inputs.flatMap(({ label }) => wholes[label] ?? [label]);
    const from = new Set(read.flatMap((label) => writers.get(label) ?? []));
    return [...from].map((from) => ({ from, to }));
  });
}
