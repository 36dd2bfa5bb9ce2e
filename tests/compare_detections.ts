// Detections of two runs, one by one.

import { expect } from 'vitest';
import type { Detection } from '../src/detection';

/** Ours in the reference's order: detections whose scores are closer than the noise may have changed places. */
export function inOrderOf<Found extends Pick<Detection, 'classIndex' | 'score' | 'box'>>(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  boxes: ArrayLike<number>,
  found: readonly Found[],
  noise: number,
): Found[] {
  const left = [...found];
  return Array.from(scores, (score, i) => {
    const near = left.filter((d) => d.classIndex === labels[i] && Math.abs(d.score - score) <= noise);
    const distance = ({ box }: Found) => Math.max(...box.map((x, k) => Math.abs(x - boxes[4 * i + k]!)));
    const [best] = near.sort((a, b) => distance(a) - distance(b));
    if (!best) throw new Error(`no detection of class ${labels[i]} with a score within ${noise} of ${score}`);
    left.splice(left.indexOf(best), 1);
    return best;
  });
}

/** The largest difference of two lists of the same length. */
export function largest(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let most = 0;
  for (let i = 0; i < got.length; i++) most = Math.max(most, Math.abs(got[i]! - want[i]!));
  return most;
}
