// Regions of maps as bins, all of one size. ROIAlign: He et al. 2017, Mask R-CNN (arXiv:1703.06870), section 3; or
// what came before it, ROI Pool: Girshick 2015, Fast R-CNN (arXiv:1504.08083), section 2.1.

import type { Tensor } from '../graph/graph';
import type { PyramidAttributes } from '../kernels/pyramid';
import { roiAlign } from '../kernels/roi_align';
import { roiPool } from '../kernels/roi_pool';
import type { Config } from './config';
import type { Layers } from './layers';
import type { Boxes } from './nms';

type Maps = [level0: Tensor, ...(Tensor | undefined)[]];

/** maps [1, H, W, C], or one that holds them all (`merged`), boxes [R, 4] -> [R, P, P, C] */
export function poolMaps(
  heads: Layers,
  name: string,
  [level0, level1, level2, level3, level4]: Maps,
  { boxes, count }: Boxes,
  bins: PyramidAttributes,
  { roiPooling, roiSamples: samples, roiAligned: aligned }: Config,
): Tensor {
  const label = heads.label(name);
  const inputs = { level0, level1, level2, level3, level4, boxes, count };
  const { pooled } =
    roiPooling === 'pool'
      ? heads.graph.apply(label, roiPool, inputs, bins, 'pooled')
      : heads.graph.apply(label, roiAlign, inputs, { ...bins, samples, aligned }, 'pooled');
  return pooled;
}
