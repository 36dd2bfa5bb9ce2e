// Pyramid levels: the cut points and scales of torchvision.

import { expect, test } from 'vitest';
import { inferScales, LEVELLINGS, levelCuts } from '../src/model/levels';

test('levelCuts: the sides that reach P3, P4 and P5, to the last bit', () => {
  const sides = levelCuts(2, 5).map((area) => Math.fround(Math.sqrt(area)));
  expect(sides).toEqual([111.99991607666016, 223.99984741210938, 447.9996337890625]);
});

test('levelCuts: the areas are the smallest', () => {
  const bits = new Uint32Array(1);
  const value = new Float32Array(bits.buffer);
  for (const [i, cut] of levelCuts(2, 5).entries()) {
    value[0] = cut;
    bits[0] = bits[0]! - 1;
    const side = [111.99991607666016, 223.99984741210938, 447.9996337890625][i]!;
    expect(Math.fround(Math.sqrt(value[0]!))).toBeLessThan(side);
  }
});

test('levelCuts: one level, and other canonical sizes', () => {
  expect(levelCuts(3, 3)).toEqual([]);
  const [cut] = levelCuts(2, 3, { ...LEVELLINGS.torchvision, size: 64, offset: 3 });
  expect(Math.sqrt(cut!)).toBeCloseTo(64, 3);
});

test.each([
  ['detectron2', 2, [111.99998474121094, 223.99998474121094, 447.9999084472656]],
  ['mmdetection', 2, [111.99994659423828, 223.9999542236328, 447.9999084472656]],
] as const)('levelCuts: the sides of %s', (rule, first, sides) => {
  const cuts = levelCuts(first, 5, LEVELLINGS[rule]);
  expect(cuts.map((area) => Math.fround(Math.sqrt(area)))).toEqual(sides);
});

test('inferScales', () => {
  expect(inferScales([200, 100, 50, 25], 800)).toEqual([1 / 4, 1 / 8, 1 / 16, 1 / 32]);
  expect(inferScales([16, 8, 4, 2], 64)).toEqual([1 / 4, 1 / 8, 1 / 16, 1 / 32]);
  // Padded from 65 to 96: an octave off, as in torchvision.
  expect(inferScales([24, 12, 6, 3], 65)).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16]);
});
