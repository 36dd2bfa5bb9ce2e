// resample_bytes: one axis of Pillow's resize of bytes.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import source from '../../shaders/resample_bytes.wgsl?raw';
import { check, grid, type Kernel, type TensorSpec, u32 } from './kernel';

export interface ResampleBytesInputs {
  pixels: TensorSpec;
  taps: TensorSpec;
  weights: TensorSpec;
}

export interface ResampleBytesAttributes {
  /** Which axis is resized: the columns of each row, or the rows. */
  axis: 'columns' | 'rows';
}

// pixels u32 [H, W], taps u32 [n, 2], weights u32 [n, most] -> resized u32 [H, n], or [n, W] along rows
export const resampleBytes: Kernel<ResampleBytesInputs, ResampleBytesAttributes> = {
  name: 'resample_bytes',
  source: source + grid_lib,

  dispatch({ pixels, taps, weights }, { axis }) {
    const [height, width] = pixels.shape as [number, number];
    const [outputs, most] = weights.shape as [number, number];
    check(
      [pixels, taps, weights].every(({ dtype, shape }) => dtype === 'u32' && shape.length === 2) &&
        `${taps.shape}` === `${[outputs, 2]}`,
      'resample_bytes',
      'u32 pixels [H, W], taps [n, 2], weights [n, most]',
      pixels,
      taps,
      weights,
    );
    const [outHeight, outWidth] = axis === 'rows' ? [outputs, width] : [height, outputs];
    return {
      outputs: { resized: u32(outHeight, outWidth) },
      constants: { ROWS: axis === 'rows' },
      params: { height: outHeight, width: outWidth, source_width: width, most },
      workgroups: grid(outHeight * outWidth, 64),
      macs: 0,
    };
  },
};
