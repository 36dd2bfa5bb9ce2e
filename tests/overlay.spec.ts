// What `detect --overlay` draws, and the files' names, with detections made by hand.

import { createCanvas } from '@napi-rs/canvas';
import { expect, test } from 'vitest';
import { drawOverlay, legendLines } from '../src/cli/overlay';
import { overlayNames } from '../src/cli/overlay_file';
import type { Detection } from '../src/detection';
import { Mask } from '../src/mask';

function picture(width: number, height: number) {
  return { data: new Uint8ClampedArray(4 * width * height).fill(255), width, height };
}

/** A filled mask, its pixels those of the box. */
function object(box: Detection['box'], width: number, height: number, label = 'cell'): Detection {
  const probabilities = new Float32Array(784).fill(1);
  const mask = new Mask({ side: 28, probabilities, box, imageWidth: width, imageHeight: height });
  return { label, classIndex: 1, score: 0.9, box, mask };
}

/** Colours of the drawn picture, as rgb at x, y. */
function draw(width: number, height: number, detections: Detection[]) {
  const context = createCanvas(width, height).getContext('2d');
  drawOverlay(context, picture(width, height), detections, 'monospace');
  const { data } = context.getImageData(0, 0, width, height);
  return (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
}

test('a mask is tinted inside, in full colour on its outline; the rest is the picture', () => {
  const at = draw(100, 80, [object([20, 20, 40, 40], 100, 80)]);
  expect(at(10, 30)).toEqual([255, 255, 255]);
  expect(at(50, 30)).toEqual([255, 255, 255]);
  const [inside, outline] = [at(30, 30), at(20, 30)];
  expect(inside).not.toEqual([255, 255, 255]);
  const channel = outline.map((value) => Math.round(0.65 * 255 + 0.35 * value));
  inside.forEach((value, i) => {
    expect(Math.abs(value - channel[i]!)).toBeLessThanOrEqual(1);
  });
});

test('neighbours in rank differ in colour', () => {
  const at = draw(200, 100, [object([10, 30, 30, 50], 200, 100), object([60, 30, 80, 50], 200, 100)]);
  const [first, second] = [at(10, 40), at(60, 40)];
  const distance = first.reduce((sum, value, i) => sum + Math.abs(value - second[i]!), 0);
  expect(distance).toBeGreaterThan(150);
});

test('a box is drawn where there is no mask', () => {
  const { mask, ...boxed } = object([20, 20, 60, 60], 200, 100);
  expect(mask).toBeDefined();
  const at = draw(200, 100, [boxed]);
  expect(at(20, 50)).not.toEqual([255, 255, 255]);
  expect(at(40, 50)).toEqual([255, 255, 255]);
});

/** A person in a picture of 200 x 100: points in a row, 10 pixels apart, so that bones run along it. */
function person(points: number): Detection {
  const keypoints = Array.from({ length: points }, (_, k) => ({
    name: `point ${k}`,
    x: 20 + 10 * k,
    y: 50,
    score: 1,
  }));
  return { label: 'person', classIndex: 1, score: 0.9, box: [5, 20, 195, 90], keypoints };
}

test('a skeleton joins the points as COCO does', () => {
  const at = draw(200, 100, [person(17)]);
  const colour = at(20, 50); // the nose
  expect(colour).not.toEqual([255, 255, 255]);
  expect(at(165, 50)).toEqual(colour); // from the left knee, 13, to the left ankle, 15
  expect(at(20, 60)).toEqual([255, 255, 255]);
  const edge = at(165, 51).reduce((sum, value) => sum + value, 0);
  expect(edge).toBeLessThan(400); // dark, so that it is seen on any picture
});

test('of other points than COCO has, no lines', () => {
  const at = draw(200, 100, [person(5)]);
  expect(at(40, 50)).not.toEqual([255, 255, 255]);
  expect(at(45, 50)).toEqual([255, 255, 255]);
});

test.each([
  [1, 1],
  [1500, 60],
  [3, 400],
])('pictures of odd sizes are drawn: %i x %i', (width, height) => {
  draw(width, height, [object([0, 0, width, height], width, height)]);
  draw(width, height, []);
});

test('the legend counts the classes, the most frequent first, in a few rows', () => {
  const some = ['a', 'b', 'b', 'c'].map((label) => object([0, 0, 9, 9], 9, 9, label));
  expect(legendLines(some)).toEqual(['2 b', '1 a', '1 c']);
  expect(legendLines([])).toEqual(['no objects']);
  const many = Array.from({ length: 20 }, (_, i) => object([0, 0, 9, 9], 9, 9, `class ${i}`));
  expect(legendLines(many)).toHaveLength(8);
  expect(legendLines(many).at(-1)).toBe('and 13 classes more');
});

test('names of overlays: no two alike, none of a picture', () => {
  expect(overlayNames(['a/cell.jpg', 'b/cell.png', 'c/CELL.png', 'cell-2.png'], 'out')).toEqual([
    'out/cell.png',
    'out/cell-2.png',
    'out/CELL-3.png',
    'out/cell-2-2.png',
  ]);
  expect(overlayNames(['cell.png'], '.')).toEqual(['cell-2.png']);
});
