// What was found, ready to be shown: a name, a colour, and an outline that is made when it is first drawn.

import type { Detection } from '../../src/index';
import { palette } from '../../src/model/palette';
import type { Found } from '../../src/results/found';
import { outline } from './outline';

export interface Instance {
  /** Rank by score, from 1; of a video the track's number, or below 0 where it is not followed. */
  readonly id: number;
  readonly detection: Detection;
  readonly found: Found | undefined;
  /** CSS numbers, `r g b`. */
  readonly colour: string;
  /** In the picture's pixels: its mask, or its box. */
  readonly path: Path2D;
  /** Centres of the boxes of earlier frames. */
  readonly trail?: readonly (readonly [x: number, y: number])[];
}

export interface Naming {
  id: number;
  colourBy: 'instance' | 'class';
  found?: Found | undefined;
  trail?: Instance['trail'];
}

const COLOURS = 60;
const CSS_COLOURS = Array.from({ length: COLOURS }, (_, i) =>
  [...palette(COLOURS).subarray(4 * i, 4 * i + 3)].map((channel) => Math.round(255 * channel)).join(' '),
);

export function instanceOf(detection: Detection, { id, colourBy, found, trail }: Naming): Instance {
  const index = colourBy === 'class' ? detection.classIndex - 1 : id - 1;
  let path: Path2D | undefined;
  return {
    id,
    detection,
    found,
    colour: CSS_COLOURS[Math.abs(index) % COLOURS]!,
    get path() {
      path ??= pathOf(detection);
      return path;
    },
    ...(trail && { trail }),
  };
}

function pathOf({ box: [x1, y1, x2, y2], mask }: Detection): Path2D {
  const path = new Path2D();
  if (!mask) {
    path.rect(x1, y1, x2 - x1, y2 - y1);
    return path;
  }
  for (const ring of outline(mask.source)) {
    for (const [i, [x, y]] of ring.entries()) path[i === 0 ? 'moveTo' : 'lineTo'](x, y);
    path.closePath();
  }
  return path;
}

/** The smallest instance at a point of the picture, by mask, else by box. */
export function instanceAt(
  instances: readonly Instance[],
  context: Pick<CanvasRenderingContext2D, 'isPointInPath' | 'save' | 'restore' | 'resetTransform'>,
  x: number,
  y: number,
): Instance | undefined {
  context.save();
  context.resetTransform();
  const bySize = instances.toSorted((a, b) => boxArea(a) - boxArea(b));
  const within = bySize.filter(
    ({ detection: { box } }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3],
  );
  const hit = within.find(({ path }) => context.isPointInPath(path, x, y, 'evenodd')) ?? within[0];
  context.restore();
  return hit;
}

function boxArea({ detection: { box } }: Instance): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

/** Its number and its class. */
export function titleOf({ id, detection: { label } }: Instance): string {
  return id > 0 ? `${id} ${label}` : label;
}

/** Class name -> how many; the most first. */
export function countByClass(instances: readonly Instance[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { detection } of instances) counts.set(detection.label, (counts.get(detection.label) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}
