// scale_boxes: boxes from the resized image to the picture.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/scale_boxes.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec } from './kernel';

export interface ScaleBoxesInputs {
  boxes: TensorSpec;
  count: TensorSpec;
}

export interface ScaleBoxesAttributes {
  /** Of the picture. */
  height: number;
  width: number;
  resizedHeight: number;
  resizedWidth: number;
  /** Whether boxes end with the picture (none begins before it). Default: no. */
  clip?: boolean;
}

const FAR = 3.4028234e38;

// boxes [R, 4] in resized pixels, count u32 [1] -> image_boxes [R, 4] in the picture's; rows from count on are 0
export const scaleBoxes: Kernel<ScaleBoxesInputs, ScaleBoxesAttributes> = {
  name: 'scale_boxes',
  source: source + grid_lib,

  dispatch({ boxes, count }, { height, width, resizedHeight, resizedWidth, clip = false }) {
    const [rows, four] = boxes.shape as [number, number];
    check(
      boxes.shape.length === 2 && four === 4 && boxes.dtype === 'f32' && count.dtype === 'u32',
      'scale_boxes',
      'f32 boxes [R, 4], u32 count [1]',
      boxes,
      count,
    );
    return {
      outputs: { image_boxes: f32(rows, 4) },
      constants: {},
      params: {
        rows,
        x_scale: width / resizedWidth,
        y_scale: height / resizedHeight,
        width: clip ? width : FAR,
        height: clip ? height : FAR,
      },
      workgroups: grid(rows, 64),
      macs: 0,
    };
  },
};
