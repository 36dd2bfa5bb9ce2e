// Follows what the network finds, frame by frame, and counts what crosses a line: tracker and crossings together.

import type { Detection } from '../../../src/index';
import type { Line } from '../settings_url';
import type { Size } from '../view';
import { Crossings } from './crossings';
import { type Track, Tracker } from './tracker';

const PATIENCE = 1.5; // seconds

export interface Counted {
  /** Class name, and how many crossed the line to its left and to its right. */
  crossed: readonly (readonly [name: string, left: number, right: number])[];
  /** Objects so far. */
  tracks: number;
}

export class Follower {
  private readonly tracker = new Tracker({ patience: PATIENCE });
  private readonly crossings = new Crossings();
  private readonly names = new Map<number, string>();

  /** The tracks of a frame's detections, in their order. */
  update(
    detections: readonly Detection[],
    seconds: number,
    line: Line | undefined,
    { width, height }: Size,
  ): Track[] {
    for (const { classIndex, label } of detections) this.names.set(classIndex, label);
    const tracks = this.tracker.update(detections, seconds);
    if (line) {
      const [x1, y1, x2, y2] = line;
      this.crossings.update(tracks, [x1 * width, y1 * height], [x2 * width, y2 * height]);
    }
    return tracks;
  }

  get counted(): Counted {
    const crossed = [...this.crossings.counts].map(
      ([index, { left, right }]) => [this.names.get(index) ?? '', left, right] as const,
    );
    return { crossed, tracks: this.tracker.count };
  }
}
