// Records a 3x3 convolution of stride 1 as Winograd's three steps (src/kernels/winograd.ts). A large map is cut
// into bands of rows, so that its transformed numbers fit a binding and stay small beside the maps themselves.

import type { Graph, LayerWeights, Tensor } from '../graph/graph';
import { bytesOf, f32, type TensorSpec } from '../kernels/kernel';
import { linear, linearWorkgroup } from '../kernels/linear';
import type { Methods } from '../kernels/methods';
import { tileOf } from '../kernels/tile';
import { pointsOf, type Step, tilesOf, winogradInput, winogradOutput } from '../kernels/winograd';

/** Bytes of a map's transformed numbers, at most. */
const BAND_BYTES = 64 << 20;
/** What a binding may hold by default; a batch of regions is not cut. */
const BINDING_BYTES = 128 << 20;
const PART_BYTES = 256;

export interface WinogradOptions {
  step: Step;
  padding: number;
  outputs: number;
  activation: 'none' | 'relu';
  add?: Tensor | undefined;
  count?: Tensor | undefined;
  methods: Methods;
}

/** Whether Winograd's transformed weight, and its numbers of a batch of maps x [N, H, W, C], fit a binding. */
export function fitsWinograd({ shape, dtype }: TensorSpec, outputs: number, step: Step): boolean {
  const [N, H, W, C] = shape as [number, number, number, number];
  if (bytesOf({ shape: [pointsOf(step), C, outputs], dtype }) > BINDING_BYTES) return false;
  if (N === 1) return true;
  const tiles = N * tilesOf(H, step) * tilesOf(W, step);
  return bytesOf(f32(pointsOf(step), tiles, Math.max(C, outputs))) <= BINDING_BYTES;
}

// x [N, H, W, C] -> [N, H', W', O]
export function winograd(
  g: Graph,
  label: string,
  x: Tensor,
  weights: LayerWeights,
  options: WinogradOptions,
): Tensor {
  const { padding, outputs: O } = options;
  const [N, H, W] = x.shape as [number, number, number];
  const [outHeight, outWidth] = [H + 2 * padding - 2, W + 2 * padding - 2];
  const rows = N > 1 ? outHeight : bandRows(x, outHeight, outWidth, options);
  if (rows >= outHeight) {
    return band(g, label, x, weights, options, { first: 0, rows: outHeight, columns: outWidth });
  }
  const bands: Tensor[] = [];
  for (let first = 0; first < outHeight; first += rows) {
    const name = `${label}.band${bands.length}`;
    const at = { first, rows: Math.min(rows, outHeight - first), columns: outWidth };
    const add =
      options.add && g.slice(`${name}.add`, options.add, first * outWidth * O, [1, at.rows, outWidth, O]);
    bands.push(band(g, name, x, weights, { ...options, add }, at));
  }
  return g.concat(label, bands, [1, outHeight, outWidth, O]).whole;
}

/** Rows of a band: as many as fit, and such that every band begins where a binding may. */
function bandRows(x: Tensor, outHeight: number, outWidth: number, options: WinogradOptions): number {
  const { step, outputs } = options;
  const perTile = bytesOf({ shape: [pointsOf(step), Math.max(x.shape[3]!, outputs)], dtype: x.dtype });
  const fit = Math.max(1, Math.floor(BAND_BYTES / (perTile * tilesOf(outWidth, step))));
  if (fit * step >= outHeight) return outHeight;
  const rowBytes = bytesOf({ shape: [step, outWidth, outputs], dtype: x.dtype });
  let together = 1;
  while ((together * rowBytes) % PART_BYTES !== 0) together *= 2;
  const bands = Math.ceil(tilesOf(outHeight, step) / Math.max(together, fit - (fit % together)));
  const even = Math.ceil(tilesOf(outHeight, step) / bands / together) * together; // bands of about one size
  return even * step;
}

interface Band {
  first: number;
  rows: number;
  columns: number;
}

function band(
  g: Graph,
  label: string,
  x: Tensor,
  weights: LayerWeights,
  options: WinogradOptions,
  { first, rows, columns }: Band,
): Tensor {
  const { step, padding, outputs: O, activation, add, count, methods } = options;
  const [N, , , C] = x.shape as [number, number, number, number];
  const { transformed } = g.apply(
    `${label}.winograd_input`,
    winogradInput,
    { input: x, count },
    { step, padding, outputs: [rows, columns], firstRow: first },
    'transformed',
  );
  const tiles = transformed.shape[1] as number;
  const batches = pointsOf(step);
  const { tile } = methods.method({ kernel: 'linear', rows: tiles, depth: C, outputs: O, batches });
  const { output: products } = g.apply(
    `${label}.winograd_products`,
    tileOf(tile).memory === 'workgroup' ? linearWorkgroup : linear,
    { input: transformed, weight: weights.packedWeight, bias: undefined, add: undefined, count },
    {
      outputs: O,
      rows: tiles,
      batches,
      rowsPerCount: tiles / N,
      tile,
      store: x.dtype === 'f16' ? 'f16' : 'f32',
    },
    'output',
  );
  const { output } = g.apply(
    label,
    winogradOutput,
    { products, bias: weights.packedBias, add, count },
    { step, outputs: [N, rows, columns], activation },
    'output',
  );
  return output;
}
