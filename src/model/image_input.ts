// The first nodes of a network: pixels of any picture to the normalised, resized and padded image.

import type { Graph, Tensor } from '../graph/graph';
import { preprocess } from '../kernels/preprocess';
import { resampleBytes } from '../kernels/resample_bytes';
import { resizeBytes } from '../kernels/resize_bytes';
import type { Config } from './config';
import { opencvPairs, pillowTaps } from './resample';
import { resizeTable, type Size } from './transform';

/** Normalise, resize, pad; or resize, normalise, pad. pixels [H, W] -> image [1, H', W', 4] */
export function transform(
  graph: Graph,
  size: Size,
  resized: Size,
  canvas: Size,
  config: Config,
): { pixels: Tensor; image: Tensor } {
  const pixels = graph.input('pixels', { shape: [size.height, size.width], dtype: 'u32' });
  const source = RESIZES[config.resize](graph, pixels, resized);
  const [height, width] = source.shape as [number, number];
  const [rows, columns] = [resizeTable(height, resized.height), resizeTable(width, resized.width)];
  const { image } = graph.apply(
    'image',
    preprocess,
    {
      pixels: source,
      columns: graph.constant('image.columns', [resized.width, 2], columns.index),
      column_weights: graph.constant('image.column_weights', [resized.width], columns.weight),
      rows: graph.constant('image.rows', [resized.height, 2], rows.index),
      row_weights: graph.constant('image.row_weights', [resized.height], rows.weight),
    },
    {
      ...resized,
      canvasHeight: canvas.height,
      canvasWidth: canvas.width,
      order: config.colourOrder,
      range: config.colourRange,
      mean: config.imageMean,
      std: config.imageStd,
    },
    'image',
  );
  return { pixels, image };
}

/** What is done with the bytes before they are normalised. pixels u32 [H, W] -> u32 [H', W'] */
const RESIZES: Record<Config['resize'], (graph: Graph, pixels: Tensor, resized: Size) => Tensor> = {
  float: (_, pixels) => pixels, // preprocess resizes what it has normalised

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
