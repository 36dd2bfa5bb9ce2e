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
  /** Frames in which they were looked for. */
  frames: number;
}

export class Follower {
  private readonly tracker = new Tracker({ patience: PATIENCE });
  private readonly crossings = new Crossings();
  private readonly names = new Map<number, string>();
  private frames = 0;

  /** The tracks of a frame's detections, in their order; none of those that are less sure than `score`. */
  update(
    detections: readonly Detection[],
    score: number,
    seconds: number,
    line: Line | undefined,
    { width, height }: Size,
  ): (Track | undefined)[] {
    this.frames++;
    for (const { classIndex, label } of detections) this.names.set(classIndex, label);
    const sure = detections.filter((detection) => detection.score >= score);
    const tracks = this.tracker.update(sure, seconds);
    if (line) {
      const [x1, y1, x2, y2] = line;
      this.crossings.update(tracks, [x1 * width, y1 * height], [x2 * width, y2 * height]);
    }
    const trackOf = new Map(sure.map((detection, i) => [detection, tracks[i]!]));
    return detections.map((detection) => trackOf.get(detection));
  }

  get counted(): Counted {
    const crossed = [...this.crossings.counts].map(
      ([index, { left, right }]) => [this.names.get(index) ?? '', left, right] as const,
    );
    return { crossed, tracks: this.tracker.count, frames: this.frames };
  }
}
