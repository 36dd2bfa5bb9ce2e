// roi_align: torchvision.ops.roi_align over all pyramid levels at once, channels last.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import pyramid_lib from '../../shaders/lib/pyramid.wgsl?raw';
import source from '../../shaders/roi_align.wgsl?raw';
import { check, type Kernel } from './kernel';
import { type PyramidAttributes, type PyramidInputs, pyramidDispatch } from './pyramid';

export interface RoiAlignAttributes extends PyramidAttributes {
  /** Samples a side of each bin; 0: one for each feature pixel the bin spans, rounded up. */
  samples: number;
  /** Whether half a pixel is taken off, and boxes may be smaller than a feature pixel. */
  aligned: boolean;
}

export const roiAlign: Kernel<PyramidInputs, RoiAlignAttributes> = {
  name: 'roi_align',
  source: [source, pyramid_lib, half_lib, grid_lib].join('\n'),

  dispatch(inputs, { samples, aligned, ...attributes }) {
    check(Number.isInteger(samples) && samples >= 0, 'roi_align', 'samples a side, or 0', samples);
    const dispatch = pyramidDispatch('roi_align', inputs, attributes);
    return {
      ...dispatch,
      constants: { ...dispatch.constants, ALIGNED: aligned },
      params: { ...dispatch.params, samples },
    };
  },
};
