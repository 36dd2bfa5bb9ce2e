// preprocess: normalise, resize and pad the picture: torchvision GeneralizedRCNNTransform.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/preprocess.wgsl?raw';
import { check, f32, grid, type Kernel, type TensorSpec } from './kernel';

export interface PreprocessInputs {
  pixels: TensorSpec;
  columns: TensorSpec;
  column_weights: TensorSpec;
  rows: TensorSpec;
  row_weights: TensorSpec;
}

export interface PreprocessAttributes {
  /** Of the resized image. */
  height: number;
  width: number;
  canvasHeight: number;
  canvasWidth: number;
  /** Of the channels that come out. Default: rgb. */
  order?: 'rgb' | 'bgr';
  /** What a full channel counts, 1 or 255. Default: 1. */
  range?: number;
  /** Of the channels in `order`, in units of `range`. */
  mean: readonly number[];
  std: readonly number[];
}

// pixels u32 [H, W], columns u32 [width, 2], column_weights [width], rows u32 [height, 2], row_weights [height]
// -> image [1, canvasHeight, canvasWidth, 4]
export const preprocess: Kernel<PreprocessInputs, PreprocessAttributes> = {
  name: 'preprocess',
  source: source + grid_lib,

  dispatch(inputs, attributes) {
    const { height, width, canvasHeight, canvasWidth, mean, std, order = 'rgb', range = 1 } = attributes;
    const { pixels, columns, column_weights, rows, row_weights } = inputs;
    check(
      pixels.dtype === 'u32' && pixels.shape.length === 2 && pixels.shape.every((n) => n > 0),
      'preprocess',
      'u32 pixels [H, W]',
      pixels,
    );
    check(
      fits(columns, column_weights, width) && fits(rows, row_weights, height),
      'preprocess',
      `tables of ${width} columns and ${height} rows, u32 [n, 2] and f32 [n]`,
      columns,
      column_weights,
      rows,
      row_weights,
    );
    check(
      width <= canvasWidth && height <= canvasHeight,
      'preprocess',
      `a canvas no smaller than the image of ${height} x ${width}`,
      canvasHeight,
      canvasWidth,
    );
    check(mean.length === 3 && std.length === 3, 'preprocess', 'three means and stds', `${mean}`, `${std}`);
    const [mean_0, mean_1, mean_2] = mean as [number, number, number];
    const [std_0, std_1, std_2] = std as [number, number, number];
    return {
      outputs: { image: f32(1, canvasHeight, canvasWidth, 4) },
      constants: { BGR: order === 'bgr' },
      params: {
        source_width: pixels.shape[1]!,
        height,
        width,
        canvas_height: canvasHeight,
        canvas_width: canvasWidth,
        byte: 255 / range,
        ...{ mean_0, mean_1, mean_2, std_0, std_1, std_2 },
      },
      workgroups: grid(canvasHeight * canvasWidth, 64),
      macs: 0,
    };
  },
};

function fits(index: TensorSpec, weight: TensorSpec, size: number): boolean {
  const indexed = index.dtype === 'u32' && index.shape.length === 2 && index.shape[1] === 2;
  const weighted = weight.dtype === 'f32' && weight.shape.length === 1;
  return indexed && weighted && index.shape[0] === size && weight.shape[0] === size;
}
