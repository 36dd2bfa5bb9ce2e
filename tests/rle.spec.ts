// COCO's run-length encoding equals pycocotools', and a Mask's is that of its own bitmap.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mask } from '../src/mask';
import { pasteRegion, wordsPerRow } from '../src/model/paste';
import { decodeRle, encodeRle, type MaskRegion } from '../src/rle';

// The expected strings are pycocotools 2.0's, with y, x = numpy.mgrid[:height, :width]:
//   pycocotools.mask.encode(numpy.asfortranarray(mask.astype(numpy.uint8)))["counts"].decode()
const CASES: [name: string, height: number, width: number, (y: number, x: number) => boolean, string][] = [
  ['empty', 5, 7, () => false, 'S1'],
  ['full', 5, 7, () => true, '0S1'],
  ['one pixel', 5, 7, (y, x) => y === 2 && x === 3, 'a01a0'],
  ['first pixel', 5, 7, (y, x) => y === 0 && x === 0, '01R1'],
  ['last pixel', 5, 7, (y, x) => y === 4 && x === 6, 'R11'],
  ['whole columns', 5, 7, (_y, x) => x === 2 || x === 3, '::?'],
  ['whole rows', 5, 7, (y) => y === 1 || y === 2, '12300000000000O'],
  ['1x1 of 0', 1, 1, () => false, '1'],
  ['1x1 of 1', 1, 1, () => true, '01'],
  [
    'ellipse',
    60,
    90,
    (y, x) => ((y - 31) / 17) ** 2 + ((x - 40) / 30) ** 2 < 1,
    '_e09a14M2N2N2N2O0O2N2O0O2O0O2O000O2O00000O2O0000000000000000000000000000000000000001N1000001N10001N101N101N2N101N2N2N2N3LgT1',
  ],
  ['square', 700, 900, (y, x) => y >= 100 && y < 650 && x >= 800, `ToRa0Va0f4${'0'.repeat(197)}lL`],
];

/** The whole picture as a region. */
function picture(height: number, width: number, inside: (y: number, x: number) => boolean): MaskRegion {
  const data = Uint8Array.from({ length: height * width }, (_, i) =>
    Number(inside(Math.floor(i / width), i % width)),
  );
  return { x: 0, y: 0, width, height, data };
}

test.each(CASES)('%s as pycocotools', (_name, height, width, inside, counts) => {
  const region = picture(height, width, inside);
  expect(encodeRle(region, height, width)).toEqual({ size: [height, width], counts });
  expect(Buffer.compare(decodeRle({ size: [height, width], counts }), region.data)).toBe(0);
});

test('any region of any picture survives the way there and back', () => {
  const side = fc.integer({ min: 0, max: 9 });
  const shape = fc.record({ left: side, right: side, above: side, below: side, width: side, height: side });
  const cases = shape.chain((s) => {
    const data = fc.uint8Array({
      min: 0,
      max: 1,
      minLength: s.width * s.height,
      maxLength: s.width * s.height,
    });
    return fc.record({ s: fc.constant(s), data });
  });
  fc.assert(
    fc.property(cases, ({ s, data }) => {
      const [height, width] = [s.above + s.height + s.below, s.left + s.width + s.right];
      const region = { x: s.left, y: s.above, width: s.width, height: s.height, data };
      const whole = picture(height, width, (y, x) => {
        const inside = y >= s.above && y < s.above + s.height && x >= s.left && x < s.left + s.width;
        return inside && data[(y - s.above) * s.width + x - s.left] === 1;
      });
      const rle = encodeRle(region, height, width);
      expect(rle).toEqual(encodeRle(whole, height, width));
      expect(decodeRle(rle)).toEqual(whole.data);
    }),
    { numRuns: 200 },
  );
});

test.each(['S', '9', 'S1S1', '\u0000', 'ooooooooo1', '0O'])(
  'counts %j of a 5x7 mask are refused',
  (counts) => {
    expect(() => decodeRle({ size: [5, 7], counts })).toThrow(/^rle: /);
  },
);

test('a Mask gives region, bitmap, area and RLE of the same pixels, cut at the borders', () => {
  const probabilities = Float32Array.from({ length: 784 }, (_, i) => ((i * 37) % 101) / 100);
  const boxes = [
    [10.3, 4.2, 33.9, 40],
    [-8, -3, 12, 9],
    [40, 30, 49, 45],
    [0, 0, 50, 40],
  ];
  for (const box of boxes) {
    const mask = new Mask({ side: 28, probabilities, box, imageWidth: 50, imageHeight: 40 });
    for (const threshold of [0.3, 0.5]) {
      const bitmap = mask.bitmap(threshold);
      expect(bitmap.length).toBe(2000);
      expect(decodeRle(mask.rle(threshold))).toEqual(bitmap);
      expect(mask.area(threshold)).toBe(bitmap.reduce((sum, bit) => sum + bit, 0));
    }
    expect(mask.area(0.3)).toBeGreaterThan(mask.area(0.5));
  }
});

test('bits that the GPU packed are used at their own threshold only', () => {
  const probabilities = new Float32Array(784).fill(0.6);
  const box = [2, 3, 20, 30];
  const region = pasteRegion(box, 28, 40, 50);
  const words = new Uint32Array(wordsPerRow(region.width) * region.height).fill(0xffffffff); // not this mask's
  const bits = {
    ...region,
    x0: region.x,
    y0: region.y,
    threshold: 0.5,
    wordsPerRow: wordsPerRow(region.width),
    words,
  };
  const plain = new Mask({ side: 28, probabilities, box, imageWidth: 50, imageHeight: 40 });
  const packed = new Mask({ side: 28, probabilities, box, imageWidth: 50, imageHeight: 40, bits });
  expect(packed.area(0.4)).toBe(plain.area(0.4));
  expect(packed.area()).toBe(region.width * region.height);
  expect(packed.area()).toBeGreaterThan(plain.area());
  expect(() => plain.area(Number.NaN)).toThrow('mask: wanted a threshold from 0 to 1, got NaN');
});
