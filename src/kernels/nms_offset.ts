import score_source from '../../shaders/lib/score.wgsl?raw';
import source from '../../shaders/nms_offset.wgsl?raw';
import { check, f32, type Kernel, type TensorSpec, u32 } from './kernel';

export type NmsOffsetInputs = {
  boxes: TensorSpec;
  scores: TensorSpec;
};

export interface NmsOffsetAttributes {
  /** Number of the first group: 0 for levels, 1 for classes. */
  firstGroup: number;
  /** With more boxes than this, groups are not shifted. 1000: torchvision's on the CPU. */
  trickLimit: number;
}

// boxes [G, N, 4], scores [G, N] -> offsets [G], extents u32 [G]
export const nmsOffset: Kernel<NmsOffsetInputs, NmsOffsetAttributes> = {
  name: 'nms_offset',
  source: source + score_source,

  dispatch({ boxes, scores }, { firstGroup, trickLimit }) {
    const [groups, capacity] = scores.shape as [number, number];
    check(
      scores.shape.length === 2 && `${boxes.shape}` === `${[groups, capacity, 4]}`,
      'nms_offset',
      'f32 boxes [G, N, 4], f32 scores [G, N]',
      boxes,
      scores,
    );
    return {
      outputs: { offsets: f32(groups), extents: u32(groups) },
      constants: {},
      params: { groups, capacity, first_group: firstGroup, trick_limit: trickLimit },
      workgroups: [1, 1, 1],
      macs: 0,
    };
  },
};
