// Which pyramid level a box is pooled from: Lin et al. 2017, FPN (arXiv:1612.03144), equation 1, with the float32
// roundings of each reference.

import { roundHalfEven } from './round_half_even';

const { fround } = Math;

/** Boxes whose side is `size` begin level `level`; `within` is added to the side's ratio, `after` to the level. */
export interface Levelling {
  size: number;
  /** What the logarithm is added to before it is rounded down, and after. */
  offset: number;
  level: number;
  within: number;
  after: number;
}

export const LEVELLINGS = {
  torchvision: { size: 224, offset: 4, level: 0, within: 0, after: fround(1e-6) },
  detectron2: { size: 224, offset: 4, level: 0, within: fround(1e-8), after: 0 },
  benchmark: { size: 224, offset: 4, level: 0, within: fround(1e-6), after: 0 },
  mmdetection: { size: 56, offset: 0, level: 2, within: fround(1e-6), after: 0 },
} as const satisfies Record<string, Levelling>;

export type LevelRule = keyof typeof LEVELLINGS;
export const LEVEL_RULES = Object.keys(LEVELLINGS) as LevelRule[];

/**
 * Feature pixels per image pixel of each level, a power of two guessed from the heights (as
 * torchvision does: pictures under 68 rows can come out an octave off).
 */
export function inferScales(featureHeights: readonly number[], resizedHeight: number): number[] {
  return featureHeights.map(
    (height) => 2 ** roundHalfEven(fround(Math.log2(fround(height / resizedHeight)))),
  );
}

/** The level of a box of `area` pixels, not clamped, in float32 steps. */
function levelOf(area: number, { size, offset, level, within, after }: Levelling): number {
  const ratio = fround(fround(fround(Math.sqrt(area)) / size) + within);
  const octaves = fround(offset + fround(Math.log2(ratio)));
  return level + Math.floor(fround(octaves + after));
}

/**
 * Smallest area, a float32, that belongs to each level above `kMin` up to `kMax`: kMax - kMin numbers.
 * With them a shader finds the level by comparing, without square roots and logarithms.
 */
export function levelCuts(
  kMin: number,
  kMax: number,
  levelling: Levelling = LEVELLINGS.torchvision,
): number[] {
  const cuts: number[] = [];
  for (let k = kMin + 1; k <= kMax; k++) {
    cuts.push(smallestFloat((area) => levelOf(area, levelling) >= k));
  }
  return cuts;
}

/** The smallest positive float32 that satisfies `holds`, which stays true above; by bisection of the bits. */
function smallestFloat(holds: (x: number) => boolean): number {
  const bits = new Uint32Array(1);
  const value = new Float32Array(bits.buffer);
  let [low, high] = [0, 0x7f7fffff]; // 0 fails; the largest float is assumed to hold
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    bits[0] = middle;
    if (holds(value[0]!)) high = middle;
    else low = middle;
  }
  bits[0] = high;
  return value[0]!;
}
