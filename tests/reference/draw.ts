// Detections drawn over a picture, by definition: loops in f64.

import type { DrawDetectionsAttributes } from '../../src/kernels/draw_detections';
import type { HostTensor } from '../gpu';
import { integerBox } from './image';

export interface Drawing {
  pixels: HostTensor;
  image_boxes: HostTensor;
  scores: HostTensor;
  labels: HostTensor;
  count: HostTensor;
  palette: HostTensor;
  probabilities?: HostTensor;
}

type Point = [x: number, y: number];
type Colour = [red: number, green: number, blue: number];

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const mix = (a: number, b: number, share: number) => a + (b - a) * share;
const mixed = (a: Colour, b: readonly number[], share: number) =>
  a.map((x, i) => mix(x, b[i]!, share)) as Colour;

/** Bytes R G B A of every pixel of the canvas, not rounded. */
export function drawDetections(drawing: Drawing, attributes: DrawDetectionsAttributes): Float64Array {
  const { pixels, count, scores, labels, image_boxes, palette } = drawing;
  const { canvasHeight, canvasWidth } = attributes;
  const [H, W] = pixels.shape as [number, number];
  const fit = Math.min(canvasHeight / H, canvasWidth / W);
  const [height, width] = [H, W].map((side) => Math.max(1, Math.round(side * fit))) as [number, number];
  const [top, left] = [Math.floor((canvasHeight - height) / 2), Math.floor((canvasWidth - width) / 2)];
  const scale: Point = [W / width, H / height];

  const drawn = new Float64Array(4 * canvasHeight * canvasWidth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let colour = pictureIn(pixels, [x, y], scale);
      for (let r = count.data[0]! - 1; r >= 0; r--) {
        if (scores.data[r]! < attributes.scoreThreshold) continue;
        const key = attributes.colourBy === 'class' ? labels.data[r]! - 1 : r;
        const first = 4 * (key % palette.shape[0]!);
        const ink = [...palette.data.subarray(first, first + 3)];
        const at: Point = [(x + 0.5) * scale[0], (y + 0.5) * scale[1]];
        const inside = maskCoverage(
          drawing,
          r,
          at,
          scale,
          attributes.maskThreshold,
          attributes.paste ?? 'whole',
        );
        colour = mixed(colour, ink, attributes.opacity * inside);
        if (attributes.outlineWidth > 0) {
          const around = Array.from({ length: 8 }, (_, turn): Point => {
            const angle = (turn * Math.PI) / 4;
            const [dx, dy] = [Math.cos(angle), Math.sin(angle)].map((d) => d * attributes.outlineWidth);
            return [at[0] + dx! * scale[0], at[1] + dy! * scale[1]];
          });
          const left = around.map((point) =>
            maskCoverage(drawing, r, point, scale, attributes.maskThreshold, attributes.paste ?? 'whole'),
          );
          colour = mixed(colour, ink, Math.max(inside - Math.min(...left), 0));
        }
        const box = image_boxes.data.subarray(4 * r, 4 * r + 4);
        colour = mixed(colour, ink, boxCoverage(box, [x, y], scale, attributes.boxWidth));
      }
      drawn.set([...colour.map((c) => 255 * c), 255], 4 * ((top + y) * canvasWidth + left + x));
    }
  }
  return drawn;
}

/** How much of the pixel around `at`, a point of the picture, mask `r` covers: an edge with the mask's slope there. */
function maskCoverage(
  { probabilities, image_boxes }: Drawing,
  r: number,
  at: Point,
  scale: Point,
  threshold: number,
  paste: 'whole' | 'centres',
): number {
  if (!probabilities) return 0;
  const side = probabilities.shape[1]!;
  const own = [...image_boxes.data.subarray(4 * r, 4 * r + 4)] as [number, number, number, number];
  // `rows` a side of the mask with its ring lie from the first corner on; at the centres half a cell of it does
  const whole = paste === 'whole';
  const [x0, y0, x1, y1] = whole ? integerBox(own, side) : own;
  const size: Point = whole ? [x1 - x0 + 1, y1 - y0 + 1] : [x1 - x0, y1 - y0];
  const [rows, first] = whole ? [side + 2, -0.5] : [side, 0.5];
  const from: Point = [at[0] - x0, at[1] - y0];
  if (whole && from.some((d, axis) => d < 0 || d >= size[axis]!)) return 0;
  const cell = (row: number, column: number) =>
    row > 0 && row <= side && column > 0 && column <= side
      ? probabilities.data[(r * side + row - 1) * side + column - 1]!
      : 0;
  const [column, row] = from.map((d, axis) => clamp((d * rows) / size[axis]! + first, 0, side + 1)) as Point;
  const [left, top] = [Math.min(Math.floor(column), side + 1), Math.min(Math.floor(row), side + 1)];
  const [right, bottom] = [Math.min(left + 1, side + 1), Math.min(top + 1, side + 1)];
  const [across, down] = [column - left, row - top];
  const above = mix(cell(top, left), cell(top, right), across);
  const below = mix(cell(bottom, left), cell(bottom, right), across);
  const probability = mix(above, below, down);
  const slopeX = mix(cell(top, right) - cell(top, left), cell(bottom, right) - cell(bottom, left), down);
  const change = Math.hypot(
    (slopeX * rows * scale[0]) / size[0],
    ((below - above) * rows * scale[1]) / size[1],
  );
  return clamp(0.5 + (probability - threshold) / Math.max(change, 1 / 64), 0, 1);
}

/** How much of the pixel x .. x + 1, y .. y + 1 the line inside a box covers; the box in whole canvas pixels. */
function boxCoverage(box: ArrayLike<number>, at: Point, scale: Point, line: number): number {
  const covered = (inset: number) =>
    [0, 1].reduce((product, axis) => {
      const low = Math.floor(box[axis]! / scale[axis]! + 0.5);
      const high = Math.max(Math.floor(box[axis + 2]! / scale[axis]! + 0.5), low + 1);
      const cut = Math.min(inset, (high - low) / 2);
      return product * clamp(Math.min(at[axis]! + 1, high - cut) - Math.max(at[axis]!, low + cut), 0, 1);
    }, 1);
  return covered(0) - covered(line);
}

/** The picture under the canvas pixel x .. x + 1, y .. y + 1: bilinear, and where it shrinks, the mean of a few samples. */
function pictureIn(pixels: HostTensor, [x, y]: Point, scale: Point): Colour {
  const [across, down] = scale.map((s) => clamp(Math.ceil(s - 0.01), 1, 4)) as Point;
  const sum: Colour = [0, 0, 0];
  for (let i = 0; i < across; i++) {
    for (let j = 0; j < down; j++) {
      const at: Point = [(x + (i + 0.5) / across) * scale[0], (y + (j + 0.5) / down) * scale[1]];
      bilinear(pixels, at).forEach((c, k) => {
        sum[k]! += c / (across * down);
      });
    }
  }
  return sum;
}

function bilinear(pixels: HostTensor, at: Point): number[] {
  const [H, W] = pixels.shape as [number, number];
  const [x, y] = [clamp(at[0] - 0.5, 0, W - 1), clamp(at[1] - 0.5, 0, H - 1)];
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [x1, y1] = [Math.min(x0 + 1, W - 1), Math.min(y0 + 1, H - 1)];
  return [0, 8, 16].map((shift) => {
    const byte = (row: number, column: number) => ((pixels.data[row * W + column]! >>> shift) & 255) / 255;
    return mix(mix(byte(y0, x0), byte(y0, x1), x - x0), mix(byte(y1, x0), byte(y1, x1), x - x0), y - y0);
  });
}
