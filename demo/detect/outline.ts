// A mask's outline as polygons, sharp at every magnification: the level set of its probabilities, which the network
// gives as a small square over the box, stretched as src/model/paste.ts does it.

import { contours } from 'd3-contour';
import type { MaskSource } from '../../src/mask';
import { pasteCorners } from '../../src/model/paste';

/** x, y in the picture's pixels; closed. */
export type Ring = readonly (readonly [x: number, y: number])[];

/** Outer rings and holes; to be filled by the even-odd rule. */
export function outline({ side, probabilities, box }: MaskSource, threshold = 0.5): Ring[] {
  const padded = side + 2; // with a ring of zeros
  const values = new Array<number>(padded * padded).fill(0);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) values[(y + 1) * padded + x + 1] = probabilities[y * side + x]!;
  }
  const { x0, y0, x1, y1 } = pasteCorners(box, side);
  const [across, down] = [Math.max(x1 - x0 + 1, 1) / padded, Math.max(y1 - y0 + 1, 1) / padded];
  const { coordinates } = contours().size([padded, padded]).contour(values, threshold);
  return coordinates.flat().map((ring) => ring.map(([x, y]) => [x0 + across * x!, y0 + down * y!] as const));
}
