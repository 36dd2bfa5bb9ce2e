// Cells of a map, and the place in the picture that all maps share.

import type { RunInfo } from '../../engine/explore_run';
import type { Slice } from '../logic/slices';
import { place } from '../selection';
import type { Cell, Extent } from './heat_map';

interface Sides {
  readonly height: number;
  readonly width: number;
}

/** The cell of a map at the place that was pointed at; the middle where there was none. */
export function cellAt({ height, width }: Sides): Cell {
  const { x, y } = place.value ?? { x: 0.5, y: 0.5 };
  const at = (share: number, cells: number) => Math.min(cells - 1, Math.floor(share * cells));
  return { y: at(y, height), x: at(x, width) };
}

/** The middle of a cell, 0..1 of the map on both axes. */
export function placeOf({ y, x }: Cell, { height, width }: Sides): { x: number; y: number } {
  return { x: (x + 0.5) / width, y: (y + 0.5) / height };
}

/** The cell with the greatest number. */
export function greatest({ data, width }: Slice): Cell {
  const at = data.reduce((best, value, i) => (value > data[best]! ? i : best), 0);
  return { y: Math.floor(at / width), x: at % width };
}

/** How much of a map over the network's input the picture takes; undefined where all of it. */
export function extentOf({ resized, canvas }: Pick<RunInfo, 'resized' | 'canvas'>): Extent | undefined {
  const [x, y] = [resized.width / canvas.width, resized.height / canvas.height];
  return x < 1 || y < 1 ? { x, y } : undefined;
}
