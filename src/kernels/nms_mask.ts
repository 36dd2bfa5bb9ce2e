import source from '../../shaders/nms_mask.wgsl?raw';
import { check, type Kernel, MAX_WORKGROUPS, type TensorSpec, u32 } from './kernel';

export type NmsMaskInputs = {
  boxes: TensorSpec;
  offsets: TensorSpec;
  extents: TensorSpec;
};

export interface NmsMaskAttributes {
  /** A box suppresses those whose IoU with it is greater, not equal. Above 0, below 1. */
  threshold: number;
  /** Whether boxes include x2 and y2. */
  inclusive?: boolean;
}

// boxes [G, N, 4], offsets [G], extents u32 [G] -> mask u32 [G, N, ceil(N / 32)]
export const nmsMask: Kernel<NmsMaskInputs, NmsMaskAttributes> = {
  name: 'nms_mask',
  source,

  dispatch({ boxes, offsets, extents }, { threshold, inclusive = false }) {
    const [groups, capacity, four] = boxes.shape as [number, number, number];
    check(
      boxes.shape.length === 3 &&
        four === 4 &&
        `${offsets.shape}` === `${[groups]}` &&
        `${extents.shape}` === `${[groups]}` &&
        extents.dtype === 'u32',
      'nms_mask',
      'f32 boxes [G, N, 4], f32 offsets [G], u32 extents [G]',
      boxes,
      offsets,
      extents,
    );
    check(threshold > 0 && threshold < 1, 'nms_mask', 'a threshold above 0 and below 1', threshold);
    const words = Math.ceil(capacity / 32);
    check(groups <= MAX_WORKGROUPS, 'nms_mask', `at most ${MAX_WORKGROUPS} groups`, groups);
    return {
      outputs: { mask: u32(groups, capacity, words) },
      constants: { INCLUSIVE: inclusive },
      params: { capacity, words, threshold: roundDown(threshold) },
      workgroups: [Math.ceil(capacity / 256), words, groups],
      macs: 0,
    };
  },
};

/** The greatest f32 that is not above the positive `x`. */
function roundDown(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  if (Math.fround(x) > x) bits[0]!--;
  return new Float32Array(bits.buffer)[0]!;
}
