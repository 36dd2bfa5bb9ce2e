// What ROI Pool makes of a box: Girshick 2015, Fast R-CNN (arXiv:1504.08083), section 2.1. Its corners are rounded to
// whole cells, then its bins are; with the roundings of shaders/roi_pool.wgsl.

import type { HostTensor } from '../../../src/index';
import type { Box } from './boxes';
import { type MapSize, scaled } from './roi_align';

/** Whole cells, from the first to before the last: x1 <= x < x2. */
export type Cells = Box;

const { abs, ceil, floor, fround, max, min, sign } = Math;

/** The box in whole cells, both ends inclusive. */
export function roundedBox(box: Box, { scale }: MapSize): Cells {
  const [x1, y1, x2, y2] = scaled(box, scale).map(nearest) as unknown as Box;
  return [x1, y1, max(x2, x1) + 1, max(y2, y1) + 1];
}

/** The cells of the bin in row `y` and column `x`, within the map; a bin without cells has the value 0. */
export function poolBin(box: Box, map: MapSize, bins: number, y: number, x: number): Cells {
  const [left, top, right, bottom] = roundedBox(box, map);
  const [x1, x2] = rangeOf(x, left, right - left, bins, map.width);
  const [y1, y2] = rangeOf(y, top, bottom - top, bins, map.height);
  return [x1, y1, x2, y2];
}

function rangeOf(bin: number, corner: number, length: number, bins: number, limit: number): [number, number] {
  const size = fround(length / bins);
  const clamp = (cell: number) => min(max(cell, 0), limit);
  return [clamp(floor(fround(bin * size)) + corner), clamp(ceil(fround((bin + 1) * size)) + corner)];
}

/** Halves away from zero, as C++ has it. */
function nearest(x: number): number {
  return sign(x) * floor(abs(x) + 0.5);
}

/** The largest value of the cells, and where it is; undefined for no cells. `at` reads a cell. */
export function poolValue(
  [x1, y1, x2, y2]: Cells,
  at: (y: number, x: number) => number,
): { value: number; y: number; x: number } | undefined {
  let best: { value: number; y: number; x: number } | undefined;
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) {
      const value = at(y, x);
      if (!best || value > best.value) best = { value, y, x };
    }
  }
  return best;
}

/** All bins of a box on all channels: features [1, H, W, C] -> [1, P, P, C]; bins without cells are 0. */
export function poolRegion(box: Box, map: MapSize, bins: number, features: HostTensor): HostTensor {
  const [, , width, channels] = features.shape as [number, number, number, number];
  const data = new Float32Array(bins * bins * channels);
  for (let bin = 0; bin < bins * bins; bin++) {
    const [x1, y1, x2, y2] = poolBin(box, map, bins, Math.floor(bin / bins), bin % bins);
    if (x2 <= x1 || y2 <= y1) continue;
    const own = data.subarray(bin * channels, (bin + 1) * channels).fill(Number.NEGATIVE_INFINITY);
    for (let y = y1; y < y2; y++) {
      for (let x = x1; x < x2; x++) {
        const at = (y * width + x) * channels;
        for (let c = 0; c < channels; c++) own[c] = max(own[c]!, features.data[at + c]!);
      }
    }
  }
  return { shape: [1, bins, bins, channels], data };
}
