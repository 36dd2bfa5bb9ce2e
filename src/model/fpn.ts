// Feature Pyramid Network, Lin et al. 2017 (arXiv:1612.03144), figure 3: a 1x1 lateral of each stage, added
// from the top down, and a 3x3 over each sum. One more level is subsampled from the coarsest output.

import { WeightError } from '../errors';
import type { Tensor } from '../graph/graph';
import { bytesOf } from '../kernels/kernel';
import { maxPool2d } from '../kernels/max_pool2d';
import { padTo4 } from '../kernels/quads';
import { upsampleAdd } from '../kernels/upsample_add';
import type { Layers } from './layers';

/** c2 .. c5 -> p2 .. p6, finest first, all of the same number of channels. */
export function fpn(g: Layers, stages: readonly Tensor[]): Tensor[] {
  const inputs = returnedStages(g, stages);
  const pyramid: Tensor[] = [];
  let above: Tensor | undefined;
  for (let i = inputs.length - 1; i >= 0; i--) {
    const lateral = g.conv2d(`inner_blocks.${i}.0`, inputs[i]!, { norm: `inner_blocks.${i}.1` });
    const sum: Tensor = above ? topDown(g, i, lateral, above) : lateral;
    pyramid.unshift(g.conv2d(`layer_blocks.${i}.0`, sum, { padding: 1, norm: `layer_blocks.${i}.1` }));
    above = sum;
  }
  mergeLevels(g, pyramid);
  const coarsest = pyramid.at(-1) as Tensor;
  const subsample = { window: 1, stride: 2 };
  const { output } = g.graph.apply(g.label('pool'), maxPool2d, { input: coarsest }, subsample, 'output');
  return [...pyramid, output];
}

/** What a binding may hold by default. */
const BINDING_BYTES = 128 << 20;

/** Lets one buffer hold all levels, if a binding can: ROIAlign then needs no branch for each. */
function mergeLevels(g: Layers, pyramid: readonly Tensor[]): void {
  const bytes = pyramid.reduce((sum, level) => sum + Math.ceil(bytesOf(level) / 256) * 256, 0);
  if (pyramid.length > 1 && bytes <= BINDING_BYTES) g.graph.concat(g.label('levels'), pyramid);
}

function topDown(g: Layers, level: number, lateral: Tensor, coarse: Tensor): Tensor {
  return g.graph.apply(g.label(`top_down.${level}`), upsampleAdd, { lateral, coarse }, {}, 'output').output;
}

/** The stages that the pyramid is built on: those whose channels its laterals take, in order. */
function returnedStages(g: Layers, stages: readonly Tensor[]): Tensor[] {
  const found: Tensor[] = [];
  let next = 0;
  for (let i = 0; g.has(`inner_blocks.${i}`); i++) {
    const channels = g.shape(`inner_blocks.${i}.0.weight`, [0, stages[next]?.shape[3] ?? 0])[1];
    while (next < stages.length && stages[next]?.shape[3] !== padTo4(channels!)) next++;
    const stage = stages[next++];
    if (!stage) {
      const have = stages.map((s) => s.shape[3]).join(', ');
      throw new WeightError(
        `${g.label(`inner_blocks.${i}.0.weight`)} takes ${channels} channels; the stages have ${have}`,
      );
    }
    found.push(stage);
  }
  if (!found.length)
    throw new WeightError(`the checkpoint lacks ${g.label('inner_blocks.0.0.weight')}: no pyramid`);
  return found;
}
