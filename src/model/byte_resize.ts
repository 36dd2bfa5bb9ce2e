// Resizing before the bytes are normalised, to the very bytes of Pillow (detectron2, maskrcnn-benchmark) and of OpenCV
// (MMDetection).

import type { Graph, Tensor } from '../graph/graph';
import { resampleBytes } from '../kernels/resample_bytes';
import { resizeBytes } from '../kernels/resize_bytes';
import type { Config } from './config';
import type { ResizeBytes } from './image_input';
import { opencvPairs, pillowTaps } from './resample';

/** By `Config.resize`. */
export const BYTE_RESIZES: Record<Exclude<Config['resize'], 'float'>, ResizeBytes> = {
  pillow(graph, pixels, resized) {
    const across = alongAxis(graph, 'columns', pixels, resized.width);
    return alongAxis(graph, 'rows', across, resized.height);
  },

  opencv(graph, pixels, { height, width }) {
    const [inHeight, inWidth] = pixels.shape as [number, number];
    const columns = opencvPairs(inWidth, width, 'columns');
    const rows = opencvPairs(inHeight, height, 'rows');
    return graph.apply(
      'resized',
      resizeBytes,
      {
        pixels,
        columns: graph.constant('resized.columns', [width, 2], columns.index),
        column_weights: graph.constant('resized.column_weights', [width, 2], columns.weights),
        rows: graph.constant('resized.rows', [height, 2], rows.index),
        row_weights: graph.constant('resized.row_weights', [height, 2], rows.weights),
      },
      {},
      'resized',
    ).resized;
  },
};

/** One axis of Pillow's resize; the picture itself where it has that size already. */
function alongAxis(graph: Graph, axis: 'columns' | 'rows', pixels: Tensor, size: number): Tensor {
  const before = pixels.shape[axis === 'rows' ? 0 : 1] as number;
  if (before === size) return pixels;
  const { taps, most, weights } = pillowTaps(before, size);
  const label = `resized.${axis}`;
  return graph.apply(
    label,
    resampleBytes,
    {
      pixels,
      taps: graph.constant(`${label}.taps`, [size, 2], taps),
      weights: graph.constant(`${label}.weights`, [size, most], weights),
    },
    { axis },
    'resized',
  ).resized;
}
