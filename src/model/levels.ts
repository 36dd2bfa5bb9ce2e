// Which pyramid level a box is pooled from: Lin et al. 2017, FPN (arXiv:1612.03144), equation 1, with
// the float32 roundings of torchvision.ops.MultiScaleRoIAlign.

import { roundHalfEven } from './round_half_even';

const { fround } = Math;

/** Of torchvision's LevelMapper: boxes that miss a level by less than this octave fraction get it. */
const EPSILON = fround(1e-6);

/**
 * Feature pixels per image pixel of each level, a power of two guessed from the heights (as
 * torchvision does: pictures under 68 rows can come out an octave off).
 */
export function inferScales(featureHeights: readonly number[], resizedHeight: number): number[] {
  return featureHeights.map(
    (height) => 2 ** roundHalfEven(fround(Math.log2(fround(height / resizedHeight)))),
  );
}

/** The level of a box of `area` pixels, not clamped: floor(k0 + log2(sqrt(area) / s0) + 1e-6) in float32 steps. */
function levelOf(area: number, canonicalSize: number, canonicalLevel: number): number {
  const octaves = fround(Math.log2(fround(fround(Math.sqrt(area)) / canonicalSize)));
  return Math.floor(fround(fround(canonicalLevel + octaves) + EPSILON));
}

/**
 * Smallest area, a float32, that belongs to each level above `kMin` up to `kMax`: kMax - kMin numbers.
 * With them a shader finds the level by comparing, without square roots and logarithms.
 */
export function levelCuts(kMin: number, kMax: number, canonicalSize = 224, canonicalLevel = 4): number[] {
  const cuts: number[] = [];
  for (let k = kMin + 1; k <= kMax; k++) {
    cuts.push(smallestFloat((area) => levelOf(area, canonicalSize, canonicalLevel) >= k));
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
