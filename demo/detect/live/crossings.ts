// Counts the objects that cross a line: the centre of a track's box goes from one side of it to the other, between
// the line's ends. Seen from its first end to its second, objects go to the left or to the right.

import type { Track } from './tracker';

type Point = readonly [x: number, y: number];

export interface Crossed {
  left: number;
  right: number;
}

export class Crossings {
  /** By class. */
  readonly counts = new Map<number, Crossed>();
  private readonly places = new Map<number, Point>(); // of tracks, in the frame before

  /** The tracks of the next frame. `from` and `to` are the line's ends, in the picture's pixels. */
  update(tracks: readonly Track[], from: Point, to: Point): void {
    for (const { id, classIndex, trail } of tracks) {
      const now = trail.at(-1)!;
      const before = this.places.get(id);
      this.places.set(id, now);
      if (before) this.step(classIndex, before, now, from, to);
    }
  }

  get total(): Crossed {
    const sum = { left: 0, right: 0 };
    for (const { left, right } of this.counts.values()) {
      sum.left += left;
      sum.right += right;
    }
    return sum;
  }

  private step(classIndex: number, before: Point, now: Point, from: Point, to: Point): void {
    const start = side(from, to, before) >= 0;
    const end = side(from, to, now) >= 0;
    if (start === end || side(before, now, from) >= 0 === side(before, now, to) >= 0) return;
    const crossed = this.counts.get(classIndex) ?? { left: 0, right: 0 };
    crossed[end ? 'right' : 'left']++;
    this.counts.set(classIndex, crossed);
  }
}

/** Above zero where a point is to the right of the way from `from` to `to`, with y downwards. */
function side(from: Point, to: Point, [x, y]: Point): number {
  return (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]);
}
