// What a run's suppression got, and what it kept, level by level: where the film starts, and what it is held to.

import type { Config } from '../../../src/index';
import type { Candidates } from './nms_film';
import { isScore, type RpnTables } from './rpn';

/** The boxes of a level, best first, as suppression gets them. */
export function candidatesOf(
  { inclusiveBoxes }: Pick<Config, 'inclusiveBoxes'>,
  { boxes, scores, offsets }: RpnTables,
  level: number,
): Candidates {
  const count = scores.shape[1]!;
  const first = level * count;
  return {
    boxes: boxes.data.subarray(4 * first, 4 * (first + count)),
    isBox: (i) => isScore(scores.data[first + i]!),
    count,
    offset: offsets.data[level]!,
    inclusive: inclusiveBoxes,
  };
}

/** Whether a film keeps the boxes that the run kept. */
export function agrees(
  frames: readonly { readonly keeper: number }[],
  { kept }: RpnTables,
  level: number,
): boolean {
  const count = kept.shape[1]!;
  const run = Array.from({ length: count }, (_, i) => i).filter((i) =>
    isScore(kept.data[level * count + i]!),
  );
  return String(run) === String(frames.map(({ keeper }) => keeper));
}
