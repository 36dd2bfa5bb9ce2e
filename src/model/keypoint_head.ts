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
