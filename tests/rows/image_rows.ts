// Rows of the kernels between picture and network: preprocess, and what turns boxes and masks back.

import { maskRegions } from '../../src/kernels/mask_regions';
import { maskSelect } from '../../src/kernels/mask_select';
import { pasteMaskBits } from '../../src/kernels/paste_mask_bits';
import { pasteMasks } from '../../src/kernels/paste_masks';
import { type PreprocessAttributes, preprocess } from '../../src/kernels/preprocess';
import { scaleBoxes } from '../../src/kernels/scale_boxes';
import { resizeTable } from '../../src/model/transform';
import type { HostTensor } from '../gpu';
import { CLOSE, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as reference from '../reference/image';

const count = (n: number) => indices([1], [n]);

// preprocess

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Leaves bytes as they are. */
const BYTES = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

type Pair = [height: number, width: number];

function preprocessRow(
  what: string,
  pixels: HostTensor,
  [height, width]: Pair,
  [canvasHeight, canvasWidth]: Pair,
  colours: Pick<PreprocessAttributes, 'mean' | 'std' | 'order' | 'range'> = IMAGENET,
  want?: number[],
): KernelCase {
  const columns = resizeTable(pixels.shape[1]!, width);
  const rows = resizeTable(pixels.shape[0]!, height);
  const attributes = { height, width, canvasHeight, canvasWidth, ...colours };
  return kernelCase({
    what,
    kernel: preprocess,
    inputs: {
      pixels,
      columns: indices([width, 2], columns.index),
      column_weights: tensor([width], columns.weight),
      rows: indices([height, 2], rows.index),
      row_weights: tensor([height], rows.weight),
    },
    attributes,
    reference: () => ({ image: want ?? reference.preprocess(pixels, attributes) }),
    tolerance: CLOSE,
  });
}

function noise(height: number, width: number): HostTensor {
  const next = uniform(height + width);
  return indices(
    [height, width],
    Uint32Array.from({ length: height * width }, () => next() * 2 ** 32),
  );
}

/** Red as given; green is 7 and blue 255. */
const reds = (values: number[]) =>
  indices(
    [1, values.length],
    values.map((red) => 0xffff0700 + red),
  );
const asPixels = (values: number[]) => values.flatMap((red) => [red, 7, 255, 0]);

const preprocessRows: KernelCase[] = [
  preprocessRow('network-like: larger, padded', noise(120, 160), [200, 267], [224, 288]),
  preprocessRow('smaller, without antialias', noise(120, 160), [53, 71], [64, 96]),
  preprocessRow('neither resized nor padded', noise(32, 64), [32, 64], [32, 64]),
  preprocessRow(
    'black, white and the mean colour of padding',
    indices([1, 2], [0, 0xffffffff]),
    [1, 2],
    [1, 3],
    IMAGENET,
    [...[-2.1179039, -2.0357143, -1.8044444, 0], ...[2.2489083, 2.4285715, 2.64, 0], ...[0, 0, 0, 0]],
  ),
  preprocessRow(
    '0 1 2 3 to 6',
    reds([0, 1, 2, 3]),
    [1, 6],
    [1, 6],
    BYTES,
    asPixels([0, 0.5, 1.1666667, 1.8333334, 2.5, 3]),
  ),
  preprocessRow(
    '0 1 2 3 to 3',
    reds([0, 1, 2, 3]),
    [1, 3],
    [1, 3],
    BYTES,
    asPixels([0.1666667, 1.5, 2.8333335]),
  ),
  preprocessRow(
    '0 10 .. 90 to 4',
    reds([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]),
    [1, 4],
    [1, 4],
    BYTES,
    asPixels([7.5, 32.5, 57.5, 82.5]),
  ),
  preprocessRow('blue first, in 0..255', noise(20, 30), [32, 48], [32, 64], {
    mean: [103.53, 116.28, 123.675],
    std: [1, 2, 3],
    order: 'bgr',
    range: 255,
  }),
  preprocessRow('one pixel', noise(1, 1), [50, 50], [64, 64]),
  preprocessRow('a strip', noise(60, 1500), [53, 1333], [64, 1344]),
  preprocessRow('more than 65,535 workgroups', noise(1, 3), [1, 1000], [1, 65_540 * 64]),
];

// mask_select and scale_boxes

function selectRow(what: string, [R, M, K]: [number, number, number], real = R): KernelCase {
  const next = uniform(K);
  const logits = random([R, M, M, K]);
  logits.data = logits.data.map((x) => 20 * x);
  const labels = indices(
    [R],
    Array.from({ length: R }, () => Math.floor(next() * K)),
  );
  return kernelCase({
    what,
    kernel: maskSelect,
    inputs: { logits, labels, count: count(real) },
    attributes: {},
    reference: () => ({ probabilities: reference.maskSelect(logits, labels, real) }),
    tolerance: CLOSE,
  });
}

function scaleRow(what: string, boxes: HostTensor, real = boxes.shape[0]!, want?: number[]): KernelCase {
  const sizes = { height: 427, width: 640, resizedHeight: 799, resizedWidth: 1199 };
  return kernelCase({
    what,
    kernel: scaleBoxes,
    inputs: { boxes, count: count(real) },
    attributes: sizes,
    reference: () => ({ image_boxes: want ?? reference.scaleBoxes(boxes, real, 640 / 1199, 427 / 799) }),
    tolerance: CLOSE,
  });
}

const smallRows: KernelCase[] = [
  selectRow('network-like', [20, 28, 91]),
  selectRow('one class', [3, 28, 1]),
  selectRow('count 0', [3, 14, 5], 0),
  selectRow('count of a part', [9, 14, 5], 4),
  selectRow('more than 65,535 workgroups', [5400, 28, 1]),
  scaleRow(
    '427x640 from 799x1199, by torchvision',
    tensor([1, 4], [10, 20, 300, 400]),
    1,
    [5.3377814, 10.6883612, 160.1334381, 213.7672119],
  ),
  scaleRow('100 boxes', random([100, 4])),
  scaleRow('count 0', random([70, 4]), 0),
  scaleRow('count of a part', random([70, 4]), 65),
];

// paste_masks, mask_regions, paste_mask_bits

interface PasteRow {
  probabilities: HostTensor;
  boxes: HostTensor;
  size: Pair;
  count?: number;
  threshold?: number;
  capacity?: number;
}

function pasteRow(what: string, row: PasteRow, want?: number[]): KernelCase {
  const { probabilities, boxes, size, count: real = boxes.shape[0]! } = row;
  return kernelCase({
    what,
    kernel: pasteMasks,
    inputs: { probabilities, image_boxes: boxes, count: count(real) },
    attributes: { height: size[0], width: size[1] },
    reference: () => ({ pasted: want ?? reference.pasteMasks(probabilities, boxes, real, size) }),
    // Numbers worked out elsewhere are quoted with four digits.
    tolerance: want ? { atol: 6e-5, rtol: 0 } : CLOSE,
  });
}

function regionsRow(what: string, row: PasteRow, want?: reference.Regions): KernelCase {
  const { probabilities, boxes, size, count: real = boxes.shape[0]!, capacity = 1e5 } = row;
  const attributes = { height: size[0], width: size[1], side: probabilities.shape[1]!, capacity };
  return kernelCase({
    what,
    kernel: maskRegions,
    inputs: { image_boxes: boxes, count: count(real) },
    attributes,
    reference: () => ({ ...(want ?? reference.maskRegions(boxes, real, attributes)) }),
    tolerance: CLOSE,
  });
}

function bitsRow(what: string, row: PasteRow, want?: number[]): KernelCase {
  const { probabilities, boxes, size, count: real = boxes.shape[0]! } = row;
  const { threshold = 0.5, capacity = 1e5 } = row;
  const [height, width] = size;
  const side = probabilities.shape[1]!;
  const { regions } = reference.maskRegions(boxes, real, { height, width, side, capacity });
  const attributes = { threshold, capacity };
  return kernelCase({
    what,
    kernel: pasteMaskBits,
    inputs: { probabilities, image_boxes: boxes, regions: indices([boxes.shape[0]!, 6], regions) },
    attributes,
    reference: () => ({ bits: want ?? reference.pasteMaskBits(probabilities, boxes, regions, attributes) }),
    tolerance: CLOSE,
  });
}

/** Smooth blobs, as masks are: probabilities in 0..1. */
function masks(R: number, side: number): HostTensor {
  const next = uniform(side + R);
  const data = new Float32Array(R * side * side);
  for (let r = 0; r < R; r++) {
    const [cx, cy, a, b] = [next(), next(), 0.3 + next(), 0.3 + next()];
    for (let i = 0; i < side * side; i++) {
      const [x, y] = [(i % side) / side - cx, Math.floor(i / side) / side - cy];
      data[r * side * side + i] = 1 / (1 + Math.exp(8 * (a * x * x + b * y * y) - 1.5 + 0.6 * next()));
    }
  }
  return tensor([R, side, side], data);
}

function boxesIn(R: number, [height, width]: Pair): HostTensor {
  const next = uniform(R + height);
  const sides = Array.from({ length: R }, () => {
    const [x, y] = [next() * width, next() * height];
    const [w, h] = [width * 2 ** (-6 * next()), height * 2 ** (-6 * next())];
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
  });
  return tensor([R, 4], sides.flat());
}

const network: PasteRow = {
  probabilities: masks(100, 28),
  boxes: boxesIn(100, [427, 640]),
  size: [427, 640],
};
const few: PasteRow = { probabilities: masks(7, 28), boxes: boxesIn(7, [120, 90]), size: [120, 90] };

// The expanded boxes of torchvision, of masks of ones.
const INTEGERS: [box: number[], x0: number, y0: number, x1: number, y1: number][] = [
  [[10.3, 5.2, 13.9, 9.8], 10, 5, 14, 9],
  [[2, 2, 4, 4], 1, 1, 4, 4],
  [[0, 0, 5, 5], 0, 0, 5, 5],
  [[0, 0, 28, 28], 0, 0, 29, 29], // -1 .. 29, of which the picture has 0 .. 29
  [[3.4, 3.4, 3.6, 3.6], 3, 3, 3, 3],
];
const ones: PasteRow = {
  probabilities: tensor([5, 28, 28], new Float32Array(5 * 28 * 28).fill(1)),
  boxes: tensor(
    [5, 4],
    INTEGERS.flatMap(([box]) => box),
  ),
  size: [40, 40],
};
const onesWords = INTEGERS.map(([, , y0, , y1]) => y1 - y0 + 1);
const onesRegions: reference.Regions = {
  regions: INTEGERS.flatMap(([, x0, y0, x1, y1], i) => [
    ...[x0, y0, x1 - x0 + 1, y1 - y0 + 1, 1],
    onesWords.slice(0, i).reduce((a, b) => a + b, 0),
  ]),
  used: [onesWords.reduce((a, b) => a + b, 0)],
};

const four: PasteRow = {
  probabilities: tensor(
    [1, 4, 4],
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.9, 0.8, 0.2, 0.1, 0, 0.3],
  ),
  boxes: tensor([1, 4], [1, 1, 5, 4]),
  size: [6, 8],
};
const unseen = new Array(8).fill(Number.NaN);
const fourWant = [
  ...[0, 0.0079, 0.0164, 0.025, 0.0336, 0.0314, 0, 0],
  ...unseen,
  ...[0, 0.55, 0.7643, 0.8, 0.8, 0.6286, 0, 0],
  ...unseen,
  ...unseen,
  ...new Array(8).fill(0),
];

const strange: PasteRow = {
  probabilities: masks(9, 28),
  boxes: tensor(
    [9, 4],
    [
      ...[-50, -50, -20, -20], // before the picture
      ...[95, 10, 130, 40], // after it
      ...[10, 60, 10, 90], // no width
      ...[60, 60, 20, 20], // inside out
      ...[-3000, -2000, 5000, 4000], // much larger than the picture
      ...[-0.7, -0.7, 33, 33],
      ...[0, 0, 90, 120], // the picture
      ...[89.99, 119.99, 90, 120],
      ...[-20, 30, 8, 40],
    ],
  ),
  size: [120, 90],
};

const pasteRows: KernelCase[] = [
  pasteRow('network-like', { ...network, probabilities: masks(8, 28), boxes: boxesIn(8, [427, 640]) }),
  pasteRow('masks of ones', ones),
  pasteRow("torchvision's 4x4 mask", four, fourWant),
  pasteRow('boxes outside, empty, inside out, huge', strange),
  pasteRow('masks of 14x14', { ...few, probabilities: masks(7, 14) }),
  pasteRow('a picture of one pixel', { ...few, size: [1, 1] }),
  pasteRow('count 0', { ...few, count: 0 }),
  pasteRow('count of a part', { ...few, count: 3 }),
  pasteRow('more than 65,535 workgroups', { ...few, size: [900, 700] }),
  regionsRow('network-like', network),
  regionsRow('the integer boxes of torchvision', ones, onesRegions),
  regionsRow('boxes outside, empty, inside out, huge', strange),
  regionsRow('count 0', { ...few, count: 0 }),
  regionsRow('count of a part', { ...network, count: 40 }),
  regionsRow('600 masks: three turns', { ...network, boxes: boxesIn(600, [427, 640]) }),
  regionsRow('an arena that is too small', { ...network, capacity: 3000 }),
  regionsRow('an arena that just fits', { ...ones, capacity: onesRegions.used[0]! }),
  regionsRow('... and one word less', { ...ones, capacity: onesRegions.used[0]! - 1 }),
  bitsRow('network-like', network),
  bitsRow('masks of ones', ones),
  bitsRow("torchvision's 4x4 mask", { ...four, capacity: 5 }, [
    Number.NaN,
    Number.NaN,
    0b111110,
    Number.NaN,
    Number.NaN,
  ]),
  bitsRow('boxes outside, empty, inside out, huge', strange),
  bitsRow('masks of 14x14', { ...few, probabilities: masks(7, 14) }),
  bitsRow('a picture of one pixel', { ...few, size: [1, 1] }),
  bitsRow('another threshold', { ...few, threshold: 0.7 }),
  bitsRow('count 0', { ...few, count: 0 }),
  bitsRow('count of a part', { ...network, count: 40 }),
  bitsRow('an arena that is too small', { ...network, capacity: 3000 }),
  bitsRow('more than 65,535 workgroups', { ...few, capacity: 65_540 * 64 }),
];

export const imageRows: KernelCase[] = [...preprocessRows, ...smallRows, ...pasteRows];
