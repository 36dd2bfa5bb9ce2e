// Where ROIAlign looks: He et al. 2017, Mask R-CNN (arXiv:1703.06870), section 3. The same float32 steps as
// shaders/roi_align.wgsl, so that what is drawn is what the kernel read.

import type { Box } from './boxes';

/** A map of the pyramid, as a pooling kernel's parameters describe it. */
export interface MapSize {
  readonly height: number;
  readonly width: number;
  /** Feature cells per pixel of the resized picture. */
  readonly scale: number;
}

export interface Tap {
  readonly y: number;
  readonly x: number;
  /** The four of a sample sum to 1. */
  readonly weight: number;
}

/** A point between four cells. Cell (y, x) has its value at the coordinates (y, x). */
export interface Sample {
  readonly y: number;
  readonly x: number;
  /** Samples outside the map count as 0. */
  readonly inside: boolean;
  /** top left, top right, bottom left, bottom right */
  readonly taps: readonly Tap[];
}

export interface AlignBin {
  /** In feature cells. */
  readonly area: Box;
  readonly samples: readonly Sample[];
}

export interface AlignOptions {
  /** Bins a side. */
  readonly bins: number;
  /** A side of each bin; 0: as many as it spans cells. */
  readonly samples: number;
  /** Half a cell is taken off, and boxes may be smaller than a cell. */
  readonly aligned?: boolean;
}

const { fround, floor, ceil, max, min } = Math;

/** Index of the map that a box is pooled from: how many of the `cuts` its area, in resized pixels, has reached. */
export function levelOf([x1, y1, x2, y2]: Box, cuts: readonly number[]): number {
  const area = fround(fround(x2 - x1) * fround(y2 - y1));
  return cuts.filter((cut) => area >= cut).length;
}

/** A box in feature cells. */
export function scaled(box: Box, scale: number): Box {
  return box.map((side) => fround(side * scale)) as unknown as Box;
}

/** The bin in row `y` and column `x` of a box in resized pixels. */
export function alignBin(box: Box, map: MapSize, options: AlignOptions, y: number, x: number): AlignBin {
  const [x1, y1, x2, y2] = scaled(box, map.scale);
  const rows = axisOf(y1, y2, y, options);
  const columns = axisOf(x1, x2, x, options);
  const samples = rows.points.flatMap((row) =>
    columns.points.map((column) => sampleAt(row, column, map.height, map.width)),
  );
  return { area: [columns.start, rows.start, columns.end, rows.end], samples };
}

function axisOf(low: number, high: number, bin: number, { bins, samples, aligned }: AlignOptions) {
  const half = aligned ? 0.5 : 0;
  const corner = fround(low - half);
  let length = fround(fround(high - half) - corner);
  if (!aligned && length < 1) length = 1;
  const size = fround(length / bins);
  const start = fround(corner + fround(bin * size));
  const count = samples > 0 ? samples : max(ceil(size), 0);
  const step = fround(size / count);
  const points = Array.from({ length: count }, (_, i) => fround(start + fround((i + 0.5) * step)));
  return { start, end: start + size, points };
}

/** The four cells around a point, and what each of them counts. Beyond the border the border's cells are read. */
export function sampleAt(y: number, x: number, height: number, width: number): Sample {
  const inside = y >= -1 && y <= height && x >= -1 && x <= width;
  const [top, bottom, wy] = pairOf(y, height);
  const [left, right, wx] = pairOf(x, width);
  const taps = [
    { y: top, x: left, weight: (1 - wy) * (1 - wx) },
    { y: top, x: right, weight: (1 - wy) * wx },
    { y: bottom, x: left, weight: wy * (1 - wx) },
    { y: bottom, x: right, weight: wy * wx },
  ];
  return { y, x, inside, taps };
}

function pairOf(coordinate: number, size: number): [low: number, high: number, weight: number] {
  const clamped = min(max(coordinate, 0), size - 1);
  const low = floor(clamped);
  return [low, min(low + 1, size - 1), clamped - low];
}

/** The bin's value: the mean of its samples. `at` reads a cell. */
export function alignValue({ samples }: AlignBin, at: (y: number, x: number) => number): number {
  return samples.reduce((sum, sample) => sum + sampleValue(sample, at), 0) / max(samples.length, 1);
}

export function sampleValue({ inside, taps }: Sample, at: (y: number, x: number) => number): number {
  return inside ? taps.reduce((sum, { y, x, weight }) => sum + weight * at(y, x), 0) : 0;
}
