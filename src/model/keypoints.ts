// The keypoint head: He et al. 2017, Mask R-CNN (arXiv:1703.06870), section 5: a heatmap of each keypoint in each
// detection's box, and its peak.

import type { Tensor } from '../graph/graph';
import { decodeKeypoints } from '../kernels/decode_keypoints';
import type { Config } from './config';
import type { Layers } from './layers';
import type { Boxes } from './nms';
import { poolRegions } from './roi_heads';
import type { Size } from './transform';

/** Bins a side of what the keypoint head sees. */
const KEYPOINT_BINS = 14;

/** COCO's keypoints of a person, in the order of the heatmaps. */
export const COCO_KEYPOINTS: readonly string[] = (
  'nose, left_eye, right_eye, left_ear, right_ear, left_shoulder, right_shoulder, left_elbow, right_elbow, ' +
  'left_wrist, right_wrist, left_hip, right_hip, left_knee, right_knee, left_ankle, right_ankle'
).split(', ');

/** COCO's skeleton: the pairs of keypoints that a line joins, as indices into COCO_KEYPOINTS. */
export const COCO_SKELETON: readonly (readonly [number, number])[] = [
  [15, 13],
  [13, 11],
  [16, 14],
  [14, 12],
  [11, 12],
  [5, 11],
  [6, 12],
  [5, 6],
  [5, 7],
  [6, 8],
  [7, 9],
  [8, 10],
  [1, 2],
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 4],
  [3, 5],
  [4, 6],
];

/** p2 .. p5, detections [D, 4] -> keypoints [D, K, 3]: x and y in the picture's pixels, score */
export function predictKeypoints(
  heads: Layers,
  pyramid: readonly Tensor[],
  detections: Boxes,
  resized: Size,
  size: Size,
  config: Config,
): Tensor {
  const { boxes, count } = detections;
  const bins = KEYPOINT_BINS;
  let x = poolRegions(heads, 'keypoint_roi_pool', pyramid, detections, resized, bins, config);
  const head = heads.scope('keypoint_head');
  // every other of torchvision's Sequential is a ReLU
  for (let i = 0; head.has(String(i)); i += 2) {
    x = head.conv2d(String(i), x, { padding: 1, activation: 'relu', count });
  }
  const predictor = heads.scope('keypoint_predictor');
  const heatmaps = predictor.convTranspose2d('kps_score_lowres', x, {
    stride: 2,
    padding: 1,
    count,
    exact: true,
  });
  return heads.graph.apply(
    heads.label('decode_keypoints'),
    decodeKeypoints,
    { heatmaps, boxes, count },
    {
      xScale: size.width / resized.width,
      yScale: size.height / resized.height,
      score: config.keypointScore,
    },
    'keypoints',
  ).keypoints;
}
