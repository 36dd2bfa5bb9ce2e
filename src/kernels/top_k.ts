import score_source from '../../shaders/lib/score.wgsl?raw';
import sort_source from '../../shaders/lib/sort.wgsl?raw';
import source from '../../shaders/top_k.wgsl?raw';
import { check, f32, type Kernel, MAX_WORKGROUPS, type TensorSpec, u32 } from './kernel';

/** What is no score: the lowest f32. Also what a NaN or -inf counts as. */
export const NONE = Math.fround(-3.4028234e38);

/** Capacity of shaders/lib/sort.wgsl: two arrays of it are 8 of the 16 KiB that a workgroup may have. */
export const MAX_SORTED = 1024;

/** The greatest k: what nms_scan takes. */
export const MAX_K = 8192;

export type TopKInputs = {
  values: TensorSpec;
  segments: TensorSpec;
};

export interface TopKAttributes {
  k: number;
}

// values [...], segments u32 [S, 2] (offset, length) -> indices u32 [S, k] within the segment, top [S, k]
export const topK: Kernel<TopKInputs, TopKAttributes> = {
  name: 'top_k',
  source: source + sort_source + score_source,

  dispatch({ values, segments }, { k }) {
    const [count, two] = segments.shape as [number, number];
    check(
      values.dtype === 'f32' && segments.dtype === 'u32' && segments.shape.length === 2 && two === 2,
      'top_k',
      'f32 values and u32 segments [S, 2]',
      values,
      segments,
    );
    check(count <= MAX_WORKGROUPS, 'top_k', `at most ${MAX_WORKGROUPS} segments`, count);
    check(Number.isInteger(k) && k > 0 && k <= MAX_K, 'top_k', `k of 1 to ${MAX_K}`, k);
    return {
      outputs: { indices: u32(count, k), top: f32(count, k) },
      constants: {},
      params: { k },
      workgroups: [count, 1, 1],
      macs: 0,
    };
  },
};
