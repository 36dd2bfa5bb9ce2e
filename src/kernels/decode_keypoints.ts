// decode_keypoints: the peak of each keypoint's heatmap, enlarged to its box.

import source from '../../shaders/decode_keypoints.wgsl?raw';
import { check, f32, type Kernel, MAX_WORKGROUPS, type TensorSpec } from './kernel';

export interface DecodeKeypointsInputs {
  heatmaps: TensorSpec;
  boxes: TensorSpec;
  count: TensorSpec;
}

export interface DecodeKeypointsAttributes {
  /** Picture pixels per pixel of the boxes. */
  xScale: number;
  yScale: number;
  /** What a keypoint scores: the enlarged heatmap's value at its peak, or that as softmax over the heatmap. */
  score: 'logit' | 'probability';
}

/** What a workgroup has room for: a heatmap of twice this side, in 16 KiB with the rest. */
const MAX_SIDE = 28;

// heatmaps [R, M, M, K], boxes [R, 4], count u32 [1] -> keypoints [R, K, 3]: x, y, score; rows from count on are 0
export const decodeKeypoints: Kernel<DecodeKeypointsInputs, DecodeKeypointsAttributes> = {
  name: 'decode_keypoints',
  source,

  dispatch({ heatmaps, boxes, count }, { xScale, yScale, score }) {
    const [rows, side, across, keypoints] = heatmaps.shape as [number, number, number, number];
    check(
      heatmaps.shape.length === 4 && side === across && side <= MAX_SIDE && heatmaps.dtype === 'f32',
      'decode_keypoints',
      `f32 heatmaps [R, M, M, K], M of at most ${MAX_SIDE}`,
      heatmaps,
    );
    check(
      `${boxes.shape}` === `${[rows, 4]}` && count.dtype === 'u32' && rows <= MAX_WORKGROUPS,
      'decode_keypoints',
      `f32 boxes [${rows}, 4], u32 count [1]`,
      boxes,
      count,
    );
    return {
      outputs: { keypoints: f32(rows, keypoints, 3) },
      constants: { SIDE: side, PROBABILITY: score === 'probability' },
      params: { keypoints_each: keypoints, x_scale: xScale, y_scale: yScale },
      workgroups: [keypoints, rows, 1],
      macs: 0,
    };
  },
};
