// Detections as they cross from one runtime to another, as JSON, and what «the same» means there.
//
// Every runtime runs the same shaders, but each compiler (Tint, naga) and driver (llvmpipe, SwiftShader) rounds and
// fuses multiplications and additions as it likes: float32 sums of a few thousand terms differ in their last
// digits, by about 1e-6 of the value, and the network passes that on.

import { expect } from 'vitest';
import type { Detection } from '../src/detection';
import { decodeRle, type Rle } from '../src/rle';

export interface PortableDetection {
  label: string;
  classIndex: number;
  score: number;
  box: number[];
  probabilities: number[];
  rle: Rle;
}

export function portable({ label, classIndex, score, box, mask }: Detection): PortableDetection {
  return { label, classIndex, score, box, probabilities: [...mask!.probabilities], rle: mask!.rle() };
}

const TOLERANCE = {
  box: 0.02, // pixels of the picture
  score: 1e-4,
  probability: 1e-3,
  bits: 1e-3, // share of a picture's pixels that may fall on the other side of the threshold
};

/** How far the lists are apart, at worst; throws if they are not of the same objects in the same order. */
export function expectSame(got: PortableDetection[], want: PortableDetection[], name: string): void {
  expect(got.length, `${name}: detections`).toBe(want.length);
  const worst = { box: 0, score: 0, probability: 0, bits: 0 };
  want.forEach((w, i) => {
    const g = got[i]!;
    expect([g.label, g.classIndex], `${name}: class of detection ${i}`).toEqual([w.label, w.classIndex]);
    worst.score = Math.max(worst.score, Math.abs(g.score - w.score));
    worst.box = Math.max(worst.box, largest(g.box, w.box));
    worst.probability = Math.max(worst.probability, largest(g.probabilities, w.probabilities));
    const [a, b] = [decodeRle(g.rle), decodeRle(w.rle)];
    worst.bits = Math.max(worst.bits, a.filter((bit, at) => bit !== b[at]).length / b.length);
  });
  console.info(`${name} against Node, worst: ${JSON.stringify(worst)}`);
  for (const key of Object.keys(TOLERANCE) as (keyof typeof TOLERANCE)[]) {
    expect(worst[key], `${name}: ${key}`).toBeLessThanOrEqual(TOLERANCE[key]);
  }
}

function largest(got: number[], want: number[]): number {
  expect(got.length).toBe(want.length);
  return want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
}
