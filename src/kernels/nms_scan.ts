import score_source from '../../shaders/lib/score.wgsl?raw';
import source from '../../shaders/nms_scan.wgsl?raw';
import { check, f32, type Kernel, MAX_WORKGROUPS, type TensorSpec } from './kernel';

/** Up to 256 lanes, a workgroup's limit, carry the removed set, one word of 32 boxes each. */
const MAX_BOXES = 8192;

export type NmsScanInputs = {
  mask: TensorSpec;
  scores: TensorSpec;
  extents: TensorSpec;
};

// mask u32 [G, N, ceil(N / 32)], scores [G, N], extents u32 [G] -> kept [G, N]
export const nmsScan: Kernel<NmsScanInputs, Record<string, never>> = {
  name: 'nms_scan',
  source: source + score_source,

  dispatch({ mask, scores, extents }) {
    const [groups, capacity] = scores.shape as [number, number];
    const words = Math.ceil(capacity / 32);
    check(
      scores.shape.length === 2 &&
        `${mask.shape}` === `${[groups, capacity, words]}` &&
        `${extents.shape}` === `${[groups]}`,
      'nms_scan',
      'u32 mask [G, N, N / 32], f32 scores [G, N], u32 extents [G]',
      mask,
      scores,
      extents,
    );
    check(capacity <= MAX_BOXES, 'nms_scan', `at most ${MAX_BOXES} boxes a group`, capacity);
    check(groups <= MAX_WORKGROUPS, 'nms_scan', `at most ${MAX_WORKGROUPS} groups`, groups);
    return {
      outputs: { kept: f32(groups, capacity) },
      constants: { LANES: Math.max(1, Math.ceil(words / 32)) * 32 },
      params: { capacity, words },
      workgroups: [groups, 1, 1],
      macs: 0,
    };
  },
};
