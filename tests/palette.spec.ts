// Colours of drawn detections.

import { expect, test } from 'vitest';
import { palette } from '../src/model/palette';

const COUNT = 60;
const colours = Array.from({ length: COUNT }, (_, i) => [...palette(COUNT).subarray(4 * i, 4 * i + 4)]);

/** WCAG 2's relative luminance. */
function luminance(colour: readonly number[]): number {
  const [r, g, b] = colour.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

test('every colour is one that screens have, and shows on black and on white', () => {
  for (const colour of colours) {
    expect(Math.min(...colour)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...colour)).toBeLessThanOrEqual(1);
    expect((luminance(colour) + 0.05) / 0.05).toBeGreaterThan(5); // contrast with black
    expect(1.05 / (luminance(colour) + 0.05)).toBeGreaterThan(1.7); // with white
  }
});

test('neighbours in rank differ', () => {
  for (let i = 1; i < COUNT; i++) {
    const distance = Math.hypot(...colours[i]!.map((c, k) => c - colours[i - 1]![k]!));
    expect(distance, `${i}`).toBeGreaterThan(0.25);
  }
});
