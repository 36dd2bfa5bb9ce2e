// Sizes and resize tables against torchvision's numbers.

import { describe, expect, test } from 'vitest';
import { canvasSize, resizedSize, resizeTable } from '../src/model/transform';

/** Input, size by the float32 rule (torchvision 0.14), size by the float64 rule (newer). */
const SIZES: [input: number[], float32: number[], float64: number[]][] = [
  [
    [480, 640],
    [800, 1066],
    [800, 1066],
  ],
  [
    [427, 640],
    [799, 1199],
    [800, 1199],
  ],
  [
    [640, 427],
    [1199, 799],
    [1199, 800],
  ],
  [
    [426, 640],
    [800, 1201],
    [800, 1201],
  ],
  [
    [375, 500],
    [799, 1066],
    [800, 1066],
  ],
  [
    [333, 500],
    [799, 1201],
    [800, 1201],
  ],
  [
    [1080, 1920],
    [749, 1333],
    [749, 1333],
  ],
  [
    [720, 1280],
    [749, 1333],
    [749, 1333],
  ],
  [
    [600, 1000],
    [799, 1333],
    [799, 1333],
  ],
  [
    [612, 612],
    [800, 800],
    [800, 800],
  ],
  [
    [97, 97],
    [799, 799],
    [799, 799],
  ],
];

describe('resizedSize', () => {
  test.each(SIZES)('%s', ([height, width], float32, float64) => {
    expect(Object.values(resizedSize(height!, width!, 800, 1333, 'float32'))).toEqual(float32);
    expect(Object.values(resizedSize(height!, width!, 800, 1333))).toEqual(float64);
  });

  test.each([
    [
      [1, 1],
      [800, 800],
    ],
    [
      [60, 1500],
      [53, 1333],
    ],
    [
      [1, 100_000],
      [1, 1333],
    ],
    [
      [5000, 1],
      [1333, 1],
    ],
  ])('extremes: %s', ([height, width], size) => {
    expect(Object.values(resizedSize(height!, width!, 800, 1333))).toEqual(size);
  });
});

test('canvasSize', () => {
  expect(canvasSize(800, 1066)).toEqual({ height: 800, width: 1088 });
  expect(canvasSize(1, 33)).toEqual({ height: 32, width: 64 });
  expect(canvasSize(65, 128, 64)).toEqual({ height: 128, width: 128 });
});

function resize(values: number[], nOut: number): number[] {
  const { index, weight } = resizeTable(values.length, nOut);
  return Array.from(
    weight,
    (w, d) => Math.fround(1 - w) * values[index[2 * d]!]! + w * values[index[2 * d + 1]!]!,
  );
}

describe('resizeTable', () => {
  test.each([
    [
      [0, 1, 2, 3],
      [0, 0.5, 1.1666667, 1.8333334, 2.5, 3],
    ],
    [
      [0, 1, 2, 3],
      [0.1666667, 1.5, 2.8333335],
    ],
    [
      [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
      [7.5, 32.5, 57.5, 82.5],
    ],
    [[7], [7, 7, 7]],
    [[1, 2], [1.5]],
  ])('%s', (values, want) => {
    const got = resize(values, want.length);
    want.forEach((value, d) => {
      expect(got[d]).toBeCloseTo(value, 5);
    });
  });

  test('the ratio is that of the sizes, not the scale they came from', () => {
    const ramp = Array.from({ length: 10 }, (_, i) => i);
    const got = resize(ramp, 13);
    [0, 0.654, 1.423].forEach((value, d) => {
      expect(got[d]).toBeCloseTo(value, 3);
    });
  });

  test('a part is a part of the whole', () => {
    const whole = resizeTable(30, 700);
    const part = resizeTable(30, 700, 100, 50);
    expect(part.index).toEqual(whole.index.slice(200, 300));
    expect(part.weight).toEqual(whole.weight.slice(100, 150));
  });

  test('indices stay inside, weights in 0..1', () => {
    for (const [nIn, nOut] of [
      [1, 800],
      [1500, 1333],
      [60, 53],
      [3, 1],
    ] as const) {
      const { index, weight } = resizeTable(nIn, nOut);
      expect(Math.max(...index)).toBeLessThan(nIn);
      expect(weight.every((w) => w >= 0 && w < 1)).toBe(true);
    }
  });
});

/** Input, then the sizes of detectron2, maskrcnn-benchmark and MMDetection, at 800 and 1333. */
const FAMILIES: [input: Size2, detectron2: Size2, benchmark: Size2, mmdetection: Size2][] = [
  [at(480, 640), at(800, 1067), at(800, 1066), at(800, 1067)],
  [at(427, 640), at(800, 1199), at(800, 1199), at(800, 1199)],
  [at(640, 427), at(1199, 800), at(1199, 800), at(1199, 800)],
  [at(426, 640), at(800, 1202), at(800, 1201), at(800, 1202)],
  [at(375, 500), at(800, 1067), at(800, 1066), at(800, 1067)],
  [at(333, 500), at(800, 1201), at(800, 1201), at(800, 1201)],
  [at(1080, 1920), at(750, 1333), at(750, 1333), at(750, 1333)],
  [at(600, 1000), at(800, 1333), at(800, 1333), at(800, 1333)],
  [at(97, 97), at(800, 800), at(800, 800), at(800, 800)],
];

type Size2 = { height: number; width: number };

function at(height: number, width: number): Size2 {
  return { height, width };
}

test.each(FAMILIES)(
  '%j as other families resize it',
  ({ height, width }, detectron2, benchmark, mmdetection) => {
    expect(resizedSize(height, width, 800, 1333, 'detectron2')).toEqual(detectron2);
    expect(resizedSize(height, width, 800, 1333, 'benchmark')).toEqual(benchmark);
    expect(resizedSize(height, width, 800, 1333, 'mmdetection')).toEqual(mmdetection);
  },
);
