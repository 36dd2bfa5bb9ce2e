// Rows of draw_detections: canvases of several sizes, with and without masks, every layer alone.

import { type DrawDetectionsAttributes, drawDetections } from '../../src/kernels/draw_detections';
import { CLOSE, indices, type KernelCase, kernelCase, tensor, uniform } from '../kernel_case';
import * as reference from '../reference/draw';

const STYLE = {
  maskThreshold: 0.5,
  scoreThreshold: 0.3,
  colourBy: 'instance',
  opacity: 0.4,
  outlineWidth: 1.5,
  boxWidth: 1,
} as const;

/** Round masks in boxes that overlap, over noise; scores fall from 1 to 0. */
function scene(R: number, side: number, [height, width]: [number, number], real = R): reference.Drawing {
  const next = uniform(R + side + width);
  const boxes = Array.from({ length: R }, () => {
    const [x, y] = [next() * width, next() * height];
    const [w, h] = [width * (0.05 + 0.5 * next()), height * (0.05 + 0.5 * next())];
    return [
      Math.max(x - w / 2, 0),
      Math.max(y - h / 2, 0),
      Math.min(x + w / 2, width),
      Math.min(y + h / 2, height),
    ];
  });
  const radius = (i: number) =>
    Math.hypot((i % side) + 0.5 - side / 2, Math.floor(i / side) + 0.5 - side / 2);
  const probability = (i: number) => 1 / (1 + Math.exp(2 * (radius(i) - side / 2.3)));
  return {
    pixels: indices(
      [height, width],
      Uint32Array.from({ length: height * width }, () => next() * 2 ** 32),
    ),
    image_boxes: tensor([R, 4], boxes.flat()),
    scores: tensor(
      [R],
      Float32Array.from({ length: R }, (_, i) => 1 - i / R),
    ),
    labels: indices(
      [R],
      Uint32Array.from({ length: R }, () => 1 + Math.floor(next() * 5)),
    ),
    count: indices([1], [real]),
    palette: tensor([3, 4], [1, 0.25, 0, 0, 0, 0.75, 0.5, 0, 0.5, 0.25, 1, 0]),
    probabilities: tensor(
      [R, side, side],
      Float32Array.from({ length: R * side * side }, (_, i) => probability(i % side ** 2)),
    ),
  };
}

function row(
  what: string,
  drawing: reference.Drawing,
  [canvasHeight, canvasWidth]: [number, number],
  style: Partial<DrawDetectionsAttributes> = {},
): KernelCase {
  const attributes: DrawDetectionsAttributes = { canvasHeight, canvasWidth, ...STYLE, ...style };
  return kernelCase({
    what,
    kernel: drawDetections,
    inputs: { ...drawing },
    attributes,
    reference: () => ({ drawn: reference.drawDetections(drawing, attributes) }),
    tolerance: CLOSE,
    byteTolerance: 1, // half of it is the rounding to bytes
  });
}

const few = scene(9, 28, [60, 90]);
const { probabilities: _, ...boxesOnly } = few;

export const drawRows: KernelCase[] = [
  row('as large as the picture', few, [60, 90]),
  row('larger, bars left and right', few, [141, 260]),
  row('smaller, bars above and below', few, [50, 29]),
  row('much smaller', few, [11, 13]),
  row('a colour for each class', few, [60, 90], { colourBy: 'class' }),
  row('tints only', few, [60, 90], { outlineWidth: 0, boxWidth: 0 }),
  row('outlines only', few, [97, 130], { opacity: 0, boxWidth: 0, outlineWidth: 3 }),
  row('boxes only', few, [97, 130], { opacity: 0, outlineWidth: 0, boxWidth: 2.5 }),
  row('lines wider than boxes', few, [60, 90], { outlineWidth: 40, boxWidth: 40 }),
  row('masks read at the middles of pixels', few, [141, 260], { paste: 'centres' }),
  row('without masks', boxesOnly, [60, 90]),
  row('count 0', scene(9, 28, [60, 90], 0), [60, 90]),
  row('count of a part', scene(9, 28, [60, 90], 4), [60, 90]),
  row('1,024 detections', scene(1024, 7, [40, 40]), [13, 13], { scoreThreshold: 0, outlineWidth: 0 }),
  row('one pixel', scene(2, 28, [1, 1]), [1, 1]),
];
