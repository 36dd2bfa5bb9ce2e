// Pasting masks on the CPU: torchvision's numbers, and the same as on the GPU.

import { describe, expect, test } from 'vitest';
import { maskRegions } from '../src/kernels/mask_regions';
import { pasteMaskBits } from '../src/kernels/paste_mask_bits';
import { pasteBits, pasteMask, pasteRegion } from '../src/model/paste';
import { runKernel } from './gpu';
import { indices, tensor, uniform } from './kernel_case';

const ones = new Float32Array(28 * 28).fill(1);

/** A box, its region in a picture of 40 x 40, and how many pixels of a mask of ones are set. */
const ONES: [box: number[], region: number[], pixels: number][] = [
  [[10.3, 5.2, 13.9, 9.8], [10, 5, 5, 5], 25],
  [[2, 2, 4, 4], [1, 1, 4, 4], 16],
  [[0, 0, 5, 5], [0, 0, 6, 6], 36],
  [[0, 0, 28, 28], [0, 0, 30, 30], 841],
  [[3.4, 3.4, 3.6, 3.6], [3, 3, 1, 1], 1],
  [[-9, -9, -5, -5], [0, 0, 0, 0], 0],
  [[50, 0, 60, 10], [0, 0, 0, 0], 0],
];

function population(bits: Uint32Array): number {
  let set = 0;
  for (const word of bits) for (let w = word; w; w >>>= 1) set += w & 1;
  return set;
}

describe('a mask of ones', () => {
  test.each(ONES)('%s', (box, [x, y, width, height], pixels) => {
    const region = pasteRegion(box, 28, 40, 40);
    expect(region).toEqual({ x, y, width, height });
    expect(population(pasteBits(ones, 28, box, region, 0.5))).toBe(pixels);
  });
});

test("torchvision's 4x4 mask", () => {
  const mask = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.9, 0.8, 0.2, 0.1, 0, 0.3];
  const region = pasteRegion([1, 1, 5, 4], 4, 6, 8);
  expect(region).toEqual({ x: 0, y: 0, width: 7, height: 5 });
  const soft = pasteMask(mask, 4, [1, 1, 5, 4], region);
  [0, 0.0079, 0.0164, 0.025, 0.0336, 0.0314, 0].forEach((value, x) => {
    expect(soft[x]).toBeCloseTo(value, 4);
  });
  [0, 0.55, 0.7643, 0.8, 0.8, 0.6286, 0].forEach((value, x) => {
    expect(soft[14 + x]).toBeCloseTo(value, 4);
  });
});

test('as on the GPU, but for pixels within 1e-4 of the threshold', async () => {
  const [R, height, width, capacity] = [60, 240, 320, 200_000];
  const next = uniform(5);
  const probabilities = tensor([R, 28, 28], Float32Array.from({ length: R * 784 }, next));
  const sides = Array.from({ length: R }, () => {
    const [x, y, w, h] = [next() * width, next() * height, next() ** 3 * width, next() ** 3 * height];
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
  });
  const image_boxes = tensor([R, 4], sides.flat());
  const { regions } = await runKernel(
    maskRegions,
    { image_boxes, count: indices([1], [R]) },
    { height, width, side: 28, capacity },
  );
  for (const threshold of [0.5, 0.31]) {
    const { bits } = await runKernel(
      pasteMaskBits,
      { probabilities, image_boxes, regions: indices([R, 6], regions!) },
      { threshold, capacity },
    );
    for (let r = 0; r < R; r++) {
      const [x, y, w, h, words, first] = regions!.slice(6 * r, 6 * r + 6) as unknown as number[];
      const box = image_boxes.data.slice(4 * r, 4 * r + 4);
      const mask = probabilities.data.slice(784 * r, 784 * r + 784);
      const region = pasteRegion(box, 28, height, width);
      expect(region).toEqual({ x, y, width: w, height: h });
      const soft = pasteMask(mask, 28, box, region);
      const want = pasteBits(mask, 28, box, region, threshold);
      const differing = Array.from(soft.keys()).filter((i) => {
        const [row, column] = [Math.floor(i / w!), i % w!];
        const word = row * words! + (column >>> 5);
        const differs = ((want[word]! ^ bits![first! + word]!) >>> (column & 31)) & 1;
        return differs && Math.abs(soft[i]! - threshold) > 1e-4;
      });
      expect(differing, `mask ${r}`).toEqual([]);
    }
  }
});
