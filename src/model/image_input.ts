// The first nodes of a network: pixels of any picture to the normalised, resized and padded image.

import type { Graph, Tensor } from '../graph/graph';
import { preprocess } from '../kernels/preprocess';
import type { Config } from './config';
import { resizeTable, type Size } from './transform';

/** What is done with a picture's bytes before they are normalised. pixels u32 [H, W] -> u32 [H', W'] */
export type ResizeBytes = (graph: Graph, pixels: Tensor, resized: Size) => Tensor;

/** Normalise, resize, pad; or, with `resizeBytes`, resize, normalise, pad. pixels [H, W] -> image [1, H', W', 4] */
export function transform(
  graph: Graph,
  size: Size,
  resized: Size,
  canvas: Size,
  config: Config,
  resizeBytes?: ResizeBytes,
): { pixels: Tensor; image: Tensor } {
  const pixels = graph.input('pixels', { shape: [size.height, size.width], dtype: 'u32' });
  const source = resizeBytes?.(graph, pixels, resized) ?? pixels; // else preprocess resizes what it has normalised
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
