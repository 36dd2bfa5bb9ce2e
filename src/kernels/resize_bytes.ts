// resize_bytes: OpenCV's linear resize of bytes.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/resize_bytes.wgsl?raw';
import { check, grid, type Kernel, type TensorSpec, u32 } from './kernel';

export interface ResizeBytesInputs {
  pixels: TensorSpec;
  columns: TensorSpec;
  column_weights: TensorSpec;
  rows: TensorSpec;
  row_weights: TensorSpec;
}

// pixels u32 [H, W], columns and column_weights u32 [w, 2], rows and row_weights u32 [h, 2] -> resized u32 [h, w]
export const resizeBytes: Kernel<ResizeBytesInputs, Record<string, never>> = {
  name: 'resize_bytes',
  source: source + grid_lib,

  dispatch({ pixels, columns, column_weights, rows, row_weights }) {
    const tables = [columns, column_weights, rows, row_weights];
    check(
      [pixels, ...tables].every(({ dtype, shape }) => dtype === 'u32' && shape.length === 2) &&
        tables.every(({ shape }) => shape[1] === 2) &&
        columns.shape[0] === column_weights.shape[0] &&
        rows.shape[0] === row_weights.shape[0],
      'resize_bytes',
      'u32 pixels [H, W], columns and column_weights [w, 2], rows and row_weights [h, 2]',
      pixels,
      ...tables,
    );
    const [height, width] = [rows.shape[0]!, columns.shape[0]!];
    return {
      outputs: { resized: u32(height, width) },
      constants: {},
      params: { height, width, source_width: pixels.shape[1]! },
      workgroups: grid(height * width, 64),
      macs: 0,
    };
  },
};
