// Which level of the pyramid a region is pooled from: Lin et al. 2016, FPN (arXiv:1612.03144), equation 1. The cuts
// are areas, as the shader compares them (shaders/lib/pyramid.wgsl).

import { LEVELLINGS, levelCuts } from '../../../src/model/levels';
import type { NodeInfo } from '../../engine/explore_run';

/** What the paper's rule takes for a region of level 4: ImageNet's side. */
export const CANONICAL_SIDE = 224;

export interface LevelRule {
  /** log2 of each level's stride: 2 for P2. */
  readonly levels: readonly number[];
  /** The least area, in pixels of the resized picture, of each level but the first. */
  readonly cuts: readonly number[];
}

/** The rule of a run, from the parameters of its pooling node. */
export function ruleOf({ params, constants }: NodeInfo): LevelRule {
  const count = Number(constants.LEVELS ?? 1);
  const levels = Array.from({ length: count }, (_, i) => Math.round(-Math.log2(params[`scale${i}`]!)));
  return { levels, cuts: levels.slice(1).map((_, i) => params[`cut${i + 1}`]!) };
}

/** The same rule with another canonical side. */
export function ruleWith({ levels }: LevelRule, side: number): LevelRule {
  return { levels, cuts: levelCuts(levels[0]!, levels.at(-1)!, { ...LEVELLINGS.torchvision, size: side }) };
}

/** Index into `levels` of a region x1 y1 x2 y2. */
export function levelOf({ cuts, levels }: LevelRule, box: ArrayLike<number>, at = 0): number {
  const { fround } = Math;
  const width = fround(box[at + 2]! - box[at]!);
  const area = fround(width * fround(box[at + 3]! - box[at + 1]!));
  return Math.min(cuts.filter((cut) => area >= cut).length, levels.length - 1);
}
