// roi_pool: torchvision.ops.roi_pool over all pyramid levels at once, channels last.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import pyramid_lib from '../../shaders/lib/pyramid.wgsl?raw';
import source from '../../shaders/roi_pool.wgsl?raw';
import type { Kernel } from './kernel';
import { type PyramidAttributes, type PyramidInputs, pyramidDispatch } from './pyramid';

export const roiPool: Kernel<PyramidInputs, PyramidAttributes> = {
  name: 'roi_pool',
  source: [source, pyramid_lib, half_lib, grid_lib].join('\n'),

  dispatch: (inputs, attributes) => pyramidDispatch('roi_pool', inputs, attributes),
};
