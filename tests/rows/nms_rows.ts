// Rows of non-maximum suppression, and of what gathers the boxes that it keeps.

import { gatherDetections } from '../../src/kernels/gather_detections';
import { nmsMask } from '../../src/kernels/nms_mask';
import { nmsOffset } from '../../src/kernels/nms_offset';
import { nmsScan } from '../../src/kernels/nms_scan';
import { EXACT, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as detections from '../reference/detections';
import * as nms from '../reference/nms';
import { NO_INDEX, NONE } from '../reference/selection';

/** Boxes in bunches, whose scores descend within each group; `filled` of N in each. */
function scene(filled: number[], N: number, seed: number, holes = false) {
  const next = uniform(seed);
  const scores = filled.flatMap((n) =>
    Array.from({ length: N }, (_, i) => (i >= n || (holes && i % 5 === 3) ? NONE : 1 - i / N)),
  );
  const coordinates = scores.flatMap((score) => {
    if (score === NONE) return [0, 0, 0, 0];
    const [x, y] = [Math.floor(next() * 12) * 100 + next() * 20, Math.floor(next() * 7) * 100 + next() * 20];
    return [x, y, x + 60 + next() * 30, y + 60 + next() * 30];
  });
  const shape = [filled.length, N];
  return { boxes: tensor([...shape, 4], coordinates), scores: tensor(shape, scores) };
}

type Scene = ReturnType<typeof scene>;

/** One group of these boxes, all valid. */
function group(...of: number[][]): Scene {
  return {
    boxes: tensor([1, of.length, 4], of.flat()),
    scores: tensor(
      [1, of.length],
      of.map((_, i) => 1 - i / of.length),
    ),
  };
}

function offsetRow(what: string, inputs: Scene, firstGroup: number, trickLimit = 1000): KernelCase {
  const [G] = inputs.scores.shape as [number];
  return kernelCase({
    what,
    kernel: nmsOffset,
    inputs,
    attributes: { firstGroup, trickLimit },
    reference: () => ({
      offsets: nms.groupOffsets(inputs.boxes.data, inputs.scores.data, G, firstGroup, trickLimit),
      extents: nms.groupExtents(inputs.scores.data, G),
    }),
    tolerance: EXACT,
  });
}

const offsetRows = [
  offsetRow('90 classes, 900 boxes: shifted', scene(Array(90).fill(10), 1000, 1), 1),
  offsetRow('five levels, 4663 boxes: not shifted', scene([1000, 1000, 1000, 1000, 663], 1000, 2), 0),
  offsetRow('exactly 1000 boxes', scene([400, 600], 1000, 3), 1),
  offsetRow('1001 boxes', scene([400, 601], 1000, 3), 1),
  offsetRow('a limit of 3', scene([2, 2], 5, 3), 1, 3),
  offsetRow('no box', scene([0, 0], 40, 4), 1),
  offsetRow('one box, in the last group', scene([0, 0, 1], 40, 5), 1),
  offsetRow('300 groups', scene(Array(300).fill(2), 3, 9), 1),
  offsetRow('holes', scene([40, 40], 40, 6, true), 0),
  offsetRow(
    'boxes of no group are no boxes',
    { ...group([5, 5, 10, 10], [5, 5, 1e6, 10]), scores: tensor([1, 2], [0.5, Number.NaN]) },
    1,
  ),
];

function maskRow(
  what: string,
  { boxes: of, scores }: Scene,
  offsets: number[],
  threshold: number,
  inclusive = false,
): KernelCase {
  const extents = nms.groupExtents(scores.data, offsets.length);
  return kernelCase({
    what,
    kernel: nmsMask,
    inputs: {
      boxes: of,
      offsets: tensor([offsets.length], offsets),
      extents: indices([offsets.length], extents),
    },
    attributes: { threshold, inclusive },
    reference: () => ({ mask: nms.nmsMask(of.data, offsets, extents, threshold, inclusive) }),
    tolerance: EXACT,
  });
}

/** Integer boxes whose IoU with the first is often exactly a simple fraction. */
function fractions(): Scene {
  const found: number[][] = [];
  for (let width = 1; width <= 10; width++)
    for (let height = 1; height <= 10; height++) found.push([0, 0, 10 * width, 7 * height]);
  return group([0, 0, 100, 70], ...found);
}

const labelled = group([1000, 100, 1010, 110], [1003.3333, 100, 1013.3333, 110], [1300, 0, 1333, 20]);

const maskRows = [
  maskRow('five levels', scene([1000, 1000, 1000, 1000, 663], 1000, 2), [0, 0, 0, 0, 0], 0.7),
  maskRow(
    'classes of uneven size, shifted',
    scene([70, 0, 1, 33, 5, 100], 100, 7),
    [1201, 2402, 3603, 4804, 6005, 7206],
    0.5,
  ),
  maskRow('no box', scene([0, 0], 70, 4), [0, 0], 0.5),
  maskRow('one place', scene([1], 1, 4), [0], 0.5),
  maskRow('holes', scene([100], 100, 8, true), [0], 0.5),
  maskRow('all the same box', group(...Array(65).fill([3, 4, 50, 60])), [0], 0.7),
  maskRow('IoU of exactly 0.5 survives', group([0, 0, 10, 10], [0, 0, 10, 5]), [0], 0.5),
  maskRow('IoU of exactly 0.7 survives', group([0, 0, 10, 10], [0, 0, 10, 7]), [0], 0.7),
  maskRow('IoU of exactly a threshold of 0.3', fractions(), [0], 0.3),
  maskRow('IoU of exactly a threshold of 0.5', fractions(), [0], 0.5),
  maskRow('IoU of exactly a threshold of 0.7', fractions(), [0], 0.7),
  maskRow('IoU of exactly a threshold of 1/3', fractions(), [0], 1 / 3),
  maskRow('a pair that the loop suppresses', labelled, [0], 0.5),
  maskRow('the pair in class 90, shifted: kept', labelled, [90 * 1334], 0.5),
  maskRow('boxes without area', group([5, 5, 5, 9], [5, 5, 5, 9], [0, 0, 9, 9]), [0], 0.5),
  maskRow(
    'inclusive: one pixel wide, and IoU of exactly 0.5',
    group([5, 5, 5, 9], [5, 5, 5, 9], [5, 7, 6, 9]),
    [0],
    0.5,
    true,
  ),
  maskRow('inclusive fractions at a threshold of 0.3', fractions(), [0], 0.3, true),
  maskRow('3000 inclusive boxes', scene([3000], 3000, 12), [0], 0.7, true),
  maskRow('a box of NaN', group([Number.NaN, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]), [0], 0.5),
];

function scanRow(what: string, { boxes: of, scores }: Scene, threshold = 0.5): KernelCase {
  const [G, N] = scores.shape as [number, number];
  const extents = nms.groupExtents(scores.data, G);
  const mask = nms.nmsMask(of.data, Array(G).fill(0), extents, threshold);
  const unread = mask.map((word) => (Number.isNaN(word) ? 0xffffffff : word));
  return kernelCase({
    what,
    kernel: nmsScan,
    inputs: { mask: indices([G, N, Math.ceil(N / 32)], unread), scores, extents: indices([G], extents) },
    attributes: {},
    reference: () => ({ kept: nms.nmsScan(mask, scores.data, G) }),
    tolerance: EXACT,
  });
}

/** Each suppresses the next only: every second one is kept. */
const chain = group(...Array.from({ length: 1024 }, (_, i) => [i, 0, i + 3.5, 10]));

const scanRows = [
  scanRow('five levels', scene([1000, 1000, 1000, 1000, 663], 1000, 2), 0.3),
  scanRow('groups of uneven size', scene([70, 0, 1, 33, 5, 100], 100, 7), 0.3),
  scanRow('a chain of 1024', chain),
  scanRow('no box', scene([0, 0], 70, 4)),
  scanRow('one place', scene([1], 1, 4)),
  scanRow('holes', scene([100], 100, 8, true), 0.3),
  scanRow('1025 boxes', scene([1025], 1025, 10), 0.3),
  scanRow('3000 and 2001 of 3000 boxes', scene([3000, 2001], 3000, 11), 0.3),
  scanRow(
    '8192 boxes, far apart',
    group(...Array.from({ length: 8192 }, (_, i) => [4 * i, 0, 4 * i + 3, 10])),
  ),
  scanRow('all suppressed but the first', group(...Array(130).fill([3, 4, 50, 60]))),
];

function gatherRow(
  what: string,
  M: number,
  count: number,
  attributes: { activation: 'none' | 'sigmoid'; firstGroup: number },
): KernelCase {
  const [G, N] = [7, 50];
  const chosen = Array.from({ length: M }, (_, i) => (i < count ? (i * 97) % (G * N) : NO_INDEX));
  const inputs = {
    indices: indices([1, M], chosen),
    top: tensor(
      [1, M],
      chosen.map((index, i) => (index === NO_INDEX ? NONE : 1 - i / M)),
    ),
    boxes: random([G, N, 4], 6),
  };
  return kernelCase({
    what,
    kernel: gatherDetections,
    inputs,
    attributes,
    reference: () => detections.gatherDetections(chosen, inputs.top.data, inputs.boxes.data, N, attributes),
    tolerance: { atol: 1e-7, rtol: 1e-6 },
  });
}

const gatherRows = [
  gatherRow('100 detections', 100, 73, { activation: 'none', firstGroup: 1 }),
  gatherRow('1000 proposals, of logits', 1000, 300, { activation: 'sigmoid', firstGroup: 0 }),
  gatherRow('none', 100, 0, { activation: 'none', firstGroup: 1 }),
  gatherRow('all', 65, 65, { activation: 'none', firstGroup: 1 }),
  gatherRow('one of one', 1, 1, { activation: 'none', firstGroup: 1 }),
];

export const nmsRows: KernelCase[] = [...offsetRows, ...maskRows, ...scanRows, ...gatherRows];
