// What a pooling node was told: its maps, how the level of a box is chosen, its bins. From the node's own parameters.

import type { NodeInfo, RunInfo } from '../../engine/explore_run';
import type { Box } from './boxes';
import { type AlignOptions, levelOf, type MapSize } from './roi_align';

export interface PoolingMap extends MapSize {
  /** Of its tensor. */
  readonly label: string;
  /** P2, P3, …: two to that power is the stride. */
  readonly name: string;
}

export interface Pooling extends Required<AlignOptions> {
  /** Tensors: pooled [R, P, P, C], boxes [R, 4]. */
  readonly pooled: string;
  readonly boxes: string;
  readonly count: string;
  /** Finest first. */
  readonly maps: readonly PoolingMap[];
  /** Areas in resized pixels from which a box belongs to the second map, the third, … */
  readonly cuts: readonly number[];
}

export const HEADS = { box: 'roi_heads.box_roi_pool', mask: 'roi_heads.mask_roi_pool' } as const;
export type Head = keyof typeof HEADS;

/** The pooling in front of a head; undefined where the model has no such head. */
export function poolingOf(info: RunInfo, head: Head): Pooling | undefined {
  const node = info.nodes.find(({ label }) => label === HEADS[head]);
  if (!node) return undefined;
  const { params, constants } = node;
  const levels = Number(constants.LEVELS);
  const maps = mapLabels(info, node).map((label, i): PoolingMap => {
    const scale = params[`scale${i}`]!;
    const name = `P${-Math.log2(scale)}`;
    return { label, name, scale, height: params[`height${i}`]!, width: params[`width${i}`]! };
  });
  return {
    pooled: node.outputs[0]!.label,
    boxes: inputOf(node, 'boxes'),
    count: inputOf(node, 'count'),
    maps: maps.slice(0, levels),
    cuts: Array.from({ length: levels - 1 }, (_, i) => params[`cut${i + 1}`]!),
    bins: params.pooled!,
    samples: params.samples!,
    aligned: constants.ALIGNED === true,
  };
}

/** The map that a box in resized pixels is pooled from. */
export function mapOf({ maps, cuts }: Pooling, box: Box): PoolingMap {
  return maps[levelOf(box, cuts)]!;
}

function mapLabels(info: RunInfo, node: NodeInfo): readonly string[] {
  const labels = node.inputs.filter(({ name }) => /^level\d$/.test(name)).map(({ label }) => label);
  return node.constants.MERGED ? (info.wholes[labels[0]!] ?? labels) : labels;
}

/** The label of the tensor that is bound under a name. */
export function inputOf({ label, inputs }: NodeInfo, name: string): string {
  const found = inputs.find((input) => input.name === name);
  if (!found) throw new Error(`${label}: wanted an input '${name}'; has ${inputs.map((each) => each.name)}`);
  return found.label;
}
