import source from '../../shaders/gather_detections.wgsl?raw';
import grid_source from '../../shaders/lib/grid.wgsl?raw';
import score_source from '../../shaders/lib/score.wgsl?raw';
import sigmoid_source from '../../shaders/lib/sigmoid.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec, u32 } from './kernel';

export type GatherDetectionsInputs = {
  indices: TensorSpec;
  top: TensorSpec;
  boxes: TensorSpec;
};

export interface GatherDetectionsAttributes {
  /** sigmoid: `top` holds logits, as the RPN's. */
  activation: 'none' | 'sigmoid';
  /** Label of the boxes of the first group. */
  firstGroup: number;
  /** Whether boxes without width or height are left out once chosen. Default: no. */
  dropEmpty?: boolean;
}

// indices u32 [1, M] into G * N, top [1, M], boxes [G, N, 4]
//   -> detections [M, 4], scores [M], labels u32 [M], count u32 [1]; rows from count on are 0
export const gatherDetections: Kernel<GatherDetectionsInputs, GatherDetectionsAttributes> = {
  name: 'gather_detections',
  source: source + score_source + sigmoid_source + grid_source,

  dispatch({ indices, top, boxes }, { activation, firstGroup, dropEmpty = false }) {
    const [one, detections] = indices.shape as [number, number];
    const [, capacity, four] = boxes.shape as [number, number, number];
    check(
      indices.shape.length === 2 &&
        one === 1 &&
        indices.dtype === 'u32' &&
        `${top.shape}` === `${[1, detections]}`,
      'gather_detections',
      'u32 indices [1, M], f32 top [1, M]',
      indices,
      top,
    );
    check(boxes.shape.length === 3 && four === 4, 'gather_detections', 'f32 boxes [G, N, 4]', boxes);
    return {
      outputs: {
        detections: f32(detections, 4),
        scores: f32(detections),
        labels: u32(detections),
        count: u32(1),
      },
      constants: { SIGMOID: activation === 'sigmoid', DROP_EMPTY: dropEmpty },
      params: { detections, capacity, first_group: firstGroup },
      workgroups: grid(detections, 64),
      macs: 0,
    };
  },
};
