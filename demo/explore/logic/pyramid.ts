// The steps of a feature pyramid in a run: on each level a lateral, what comes down from above, their sum, and the
// smoothed output. Lin et al. 2016, FPN (arXiv:1612.03144), figure 3.

import type { NodeInfo, RunInfo } from '../../engine/explore_run';
import type { Slice } from './slices';

export interface PyramidStep {
  /** P2, P3, … */
  readonly name: string;
  readonly lateral: NodeInfo;
  /** The tensor that comes down, and the node that adds it; undefined on the coarsest level. */
  readonly coarse: string | undefined;
  readonly sum: NodeInfo | undefined;
  readonly output: NodeInfo;
}

/** Coarsest first, as the data flows. */
export function pyramidSteps({ nodes }: Pick<RunInfo, 'nodes'>): PyramidStep[] {
  const find = (label: string) => nodes.find((node) => node.label === label);
  const steps: PyramidStep[] = [];
  for (let i = 0; ; i++) {
    const lateral = find(`backbone.fpn.inner_blocks.${i}.0`);
    const output = find(`backbone.fpn.layer_blocks.${i}.0`);
    if (!lateral || !output) return steps.reverse();
    const sum = find(`backbone.fpn.top_down.${i}`);
    const coarse = sum?.inputs.find(({ name }) => name === 'coarse')?.label;
    steps.push({ name: `P${i + 2}`, lateral, coarse, sum, output });
  }
}

/** The level that is coarser than all of these: every second cell of the coarsest output. */
export interface ThinnedLevel {
  readonly name: string;
  readonly node: NodeInfo;
  /** What it is taken from, and that level's name. */
  readonly from: string;
  readonly of: string;
  readonly stride: number;
}

/** undefined where the pyramid has none. */
export function thinnedLevel({ nodes }: Pick<RunInfo, 'nodes'>): ThinnedLevel | undefined {
  const node = nodes.find(({ label }) => label === 'backbone.fpn.pool');
  const [coarsest] = pyramidSteps({ nodes });
  if (!node || !coarsest) return undefined;
  const { name: of, output } = coarsest;
  const { stride } = node.params;
  return { name: `P${Number(of.slice(1)) + 1}`, node, from: output.outputs[0]!.label, of, stride: stride! };
}

/** Nearest neighbour to another size, rounded as shaders/upsample_add.wgsl does. */
export function upsampled({ data, height: h, width: w }: Slice, height: number, width: number): Slice {
  const { fround, floor, min } = Math;
  const source = (at: number, n: number, of: number) => min(floor(fround(at * fround(n / of))), n - 1);
  const columns = Array.from({ length: width }, (_, x) => source(x, w, width));
  const large = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = source(y, h, height) * w;
    for (let x = 0; x < width; x++) large[y * width + x] = data[row + columns[x]!]!;
  }
  return { data: large, height, width };
}

/** Lateral + share * coarse: from the lateral alone (0) to the sum (1). */
export function blend(lateral: Slice, coarse: Slice, share: number): Slice {
  const data = lateral.data.map((value, i) => value + share * coarse.data[i]!);
  return { ...lateral, data };
}
