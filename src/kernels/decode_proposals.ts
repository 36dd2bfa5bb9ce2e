import source from '../../shaders/decode_proposals.wgsl?raw';
import decode_source from '../../shaders/lib/decode.wgsl?raw';
import grid_source from '../../shaders/lib/grid.wgsl?raw';
import score_source from '../../shaders/lib/score.wgsl?raw';
import { check, f32, grid, type Kernel, sizeOf, type TensorSpec } from './kernel';
import { NONE } from './top_k';

export type DecodeProposalsInputs = {
  indices: TensorSpec;
  top: TensorSpec;
  deltas: TensorSpec;
  levels: TensorSpec;
  cells: TensorSpec;
};

export interface DecodeProposalsAttributes {
  /** Of the resized image without padding: boxes are clipped to it. */
  height: number;
  width: number;
  /** Boxes with a side below it are dropped, in image pixels. */
  minSize: number;
  /** Whether dw and dh are clamped below too. */
  clampBelow?: boolean;
  /** Whether boxes include x2 and y2. */
  inclusive?: boolean;
  /** Boxes whose sigmoid is below it are dropped; 0 keeps all. Less than 1. */
  scoreThreshold: number;
}

// indices u32 [L, N], top [L, N], deltas of T anchors, levels u32 [L, 4], cells [L, A, 4]
//   -> boxes [L, N, 4], scores [L, N]
export const decodeProposals: Kernel<DecodeProposalsInputs, DecodeProposalsAttributes> = {
  name: 'decode_proposals',
  source: source + decode_source + score_source + grid_source,

  dispatch({ indices, top, deltas, levels, cells }, attributes) {
    const { height, width, minSize, scoreThreshold, clampBelow = false, inclusive = false } = attributes;
    const [L, capacity] = indices.shape as [number, number];
    const anchors = sizeOf(cells) / 4 / L;
    check(
      indices.shape.length === 2 && indices.dtype === 'u32' && `${top.shape}` === `${indices.shape}`,
      'decode_proposals',
      'u32 indices [L, N], f32 top [L, N]',
      indices,
      top,
    );
    check(
      `${levels.shape}` === `${[L, 4]}` && levels.dtype === 'u32' && Number.isInteger(anchors),
      'decode_proposals',
      `u32 levels [${L}, 4], f32 cells [${L}, A, 4]`,
      levels,
      cells,
    );
    check(sizeOf(deltas) % 4 === 0, 'decode_proposals', 'four deltas an anchor', deltas);
    check(
      scoreThreshold >= 0 && scoreThreshold < 1,
      'decode_proposals',
      'scoreThreshold in [0, 1)',
      scoreThreshold,
    );
    const min_logit = scoreThreshold > 0 ? Math.log(scoreThreshold / (1 - scoreThreshold)) : NONE;
    return {
      outputs: { boxes: f32(L, capacity, 4), scores: f32(L, capacity) },
      constants: { CLAMP_BELOW: clampBelow, INCLUSIVE: inclusive },
      params: { items: L * capacity, capacity, anchors, width, height, min_size: minSize, min_logit },
      workgroups: grid(L * capacity, 64),
      macs: 0,
    };
  },
};
