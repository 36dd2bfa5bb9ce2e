// Rows of what other families than torchvision's need of the kernels behind the heads: classes in another order,
// empty boxes, masks read at the middles of pixels.

import { gatherDetections } from '../../src/kernels/gather_detections';
import { maskRegions } from '../../src/kernels/mask_regions';
import { maskSelect } from '../../src/kernels/mask_select';
import { pasteMaskBits } from '../../src/kernels/paste_mask_bits';
import { pasteMasks } from '../../src/kernels/paste_masks';
import { scaleBoxes } from '../../src/kernels/scale_boxes';
import { sortCandidates } from '../../src/kernels/sort_candidates';
import { CLOSE, EXACT, indices, type KernelCase, kernelCase, random, tensor, uniform } from '../kernel_case';
import * as reference from '../reference/families';
import { NO_INDEX, NONE } from '../reference/selection';

const next = uniform(17);

// classes

function candidatesRow(what: string, K: number, B: number): KernelCase {
  const R = 40;
  const scores = tensor(
    [R, K],
    Array.from({ length: R * K }, () => next()),
  );
  const regression = random([R, 4 * B], 4);
  const proposals = tensor([R, 4], Array.from({ length: R }, (_, i) => [i, 2 * i, 50 + i, 90 + i]).flat());
  const attributes = { width: 200, height: 150, minSize: 0, scoreThreshold: 0.3, backgroundLast: true };
  return kernelCase({
    what,
    kernel: sortCandidates,
    inputs: { scores, regression, proposals, count: indices([1], [R]) },
    attributes,
    reference: () => {
      const [boxes, candidates]: [number[], number[]] = [[], []];
      for (let k = 0; k < K - 1; k++) {
        const passing = Array.from({ length: R }, (_, row) => ({ row, score: scores.data[row * K + k]! }))
          .filter(({ score }) => score > 0.3)
          .sort((a, b) => b.score - a.score);
        for (let i = 0; i < R; i++) {
          const found = passing[i];
          candidates.push(found?.score ?? NONE);
          boxes.push(...(found ? decoded(found.row, B === 1 ? 0 : k) : [0, 0, 0, 0]));
        }
      }
      return { boxes, candidates };
    },
    tolerance: { atol: 1e-3, rtol: 2e-6 },
  });

  function decoded(row: number, k: number): number[] {
    const [x1, y1, x2, y2] = [...proposals.data.slice(4 * row, 4 * row + 4)] as [
      number,
      number,
      number,
      number,
    ];
    const [dx, dy, dw, dh] = [...regression.data.slice(4 * (row * B + k))] as [
      number,
      number,
      number,
      number,
    ];
    const [w, h] = [x2 - x1, y2 - y1];
    const [cx, cy] = [x1 + w / 2 + (dx / 10) * w, y1 + h / 2 + (dy / 10) * h];
    const [rx, ry] = [(Math.exp(dw / 5) * w) / 2, (Math.exp(dh / 5) * h) / 2];
    const within = (x: number, end: number) => Math.min(Math.max(x, 0), end);
    return [within(cx - rx, 200), within(cy - ry, 150), within(cx + rx, 200), within(cy + ry, 150)];
  }
}

function selectRow(what: string, K: number, labels: number[], channels: number[]): KernelCase {
  const logits = random([labels.length, 14, 14, K]);
  return kernelCase({
    what,
    kernel: maskSelect,
    inputs: { logits, labels: indices([labels.length], labels), count: indices([1], [labels.length]) },
    attributes: { first: 1 },
    reference: () => ({
      probabilities: Array.from(
        { length: labels.length * 196 },
        (_, i) => 1 / (1 + Math.exp(-logits.data[i * K + channels[Math.floor(i / 196)]!]!)),
      ),
    }),
    tolerance: CLOSE,
  });
}

/** Of five chosen boxes the second and the last have no width or no height. */
function gatherRow(): KernelCase {
  const real = [1, 2, 5, 6];
  const boxes = [real, [3, 3, 3, 8], [0, 0, 4, 4], [2, 2, 9, 9], [5, 7, 9, 7], real].flat();
  return kernelCase({
    what: 'boxes without width or height are left out',
    kernel: gatherDetections,
    inputs: {
      indices: indices([1, 7], [5, 1, 2, 0, 4, NO_INDEX, NO_INDEX]),
      top: tensor([1, 7], [0.9, 0.8, 0.7, 0.6, 0.5, NONE, NONE]),
      boxes: tensor([2, 3, 4], boxes),
    },
    attributes: { activation: 'none', firstGroup: 1, dropEmpty: true },
    reference: () => ({
      detections: [...real, 0, 0, 4, 4, ...real, ...new Array(16).fill(0)],
      scores: [0.9, 0.7, 0.6, 0, 0, 0, 0],
      labels: [2, 1, 1, 0, 0, 0, 0],
      count: [3],
    }),
    tolerance: CLOSE,
  });
}

function clipRow(): KernelCase {
  return kernelCase({
    what: 'clipped to the picture',
    kernel: scaleBoxes,
    inputs: { boxes: tensor([2, 4], [0, 1, 60, 50, 9, 8, 33, 41]), count: indices([1], [2]) },
    attributes: { height: 99, width: 119, resizedHeight: 50, resizedWidth: 60, clip: true },
    reference: () => ({ image_boxes: [0, 1.98, 119, 99, 17.85, 15.84, 65.45, 81.18] }),
    tolerance: CLOSE,
  });
}

// masks read at the middles of pixels

const SIDE = 28;
const SIZE = { height: 60, width: 80 };
const BOXES = tensor(
  [6, 4],
  [
    ...[10.3, 5.2, 13.9, 9.8],
    ...[2, 2, 4, 4],
    ...[0, 0, 80, 60],
    ...[30.5, 20.25, 71.2, 59.9],
    ...[20, 20, 20, 40], // no width
    ...[60, 40, 79.9, 59.5],
  ],
);
const MASKS = tensor(
  [6, SIDE, SIDE],
  Array.from({ length: 6 * SIDE * SIDE }, (_, i) => (i < 2 * SIDE * SIDE ? 1 : next())),
);

/** Pixels of the first rows' masks of ones are all of their boxes': 20 and 4, as detectron2 counts them. */
function centreRows(): KernelCase[] {
  const paste = 'centres' as const;
  const soft = (r: number, y: number, x: number) => reference.readMask(MASKS, BOXES, r, y, x);
  const regions = [0, 1, 2, 3, 4, 5].map((r) => {
    const [x1, y1, x2, y2] = [...BOXES.data.slice(4 * r, 4 * r + 4)] as [number, number, number, number];
    const reach = (low: number, high: number, end: number) => {
      const margin = (high - low) / (2 * SIDE);
      const first = Math.max(Math.floor(low - margin - 0.5), 0);
      return [first, Math.min(Math.ceil(high + margin - 0.5) + 1, end) - first] as const;
    };
    if (x2 <= x1) return [0, 0, 0, 0];
    const [x, width] = reach(x1, x2, SIZE.width);
    const [y, height] = reach(y1, y2, SIZE.height);
    return [x, y, width, height];
  });
  const words = regions.map(([, , width]) => Math.ceil(width! / 32));
  const firsts = regions.map((_, i) =>
    regions.slice(0, i).reduce((sum, [, , , height], j) => sum + words[j]! * height!, 0),
  );
  const table = regions.flatMap((region, i) => [...region, words[i]!, firsts[i]!]);
  const capacity = 2000;
  const used = firsts[5]! + words[5]! * regions[5]![3]!;
  return [
    kernelCase({
      what: 'read at the middles of pixels',
      kernel: pasteMasks,
      inputs: { probabilities: MASKS, image_boxes: BOXES, count: indices([1], [6]) },
      attributes: { ...SIZE, paste },
      reference: () => ({
        pasted: Array.from({ length: 6 * SIZE.height * SIZE.width }, (_, i) =>
          soft(
            Math.floor(i / (SIZE.height * SIZE.width)),
            Math.floor(i / SIZE.width) % SIZE.height,
            i % SIZE.width,
          ),
        ),
      }),
      tolerance: { atol: 3e-5, rtol: 0 }, // a coordinate of up to 28 in float32, between cells of 0 and 1
    }),
    kernelCase({
      what: 'of masks read at the middles of pixels',
      kernel: maskRegions,
      inputs: { image_boxes: BOXES, count: indices([1], [6]) },
      attributes: { ...SIZE, side: SIDE, capacity, paste },
      reference: () => ({ regions: table, used: [used] }),
      tolerance: EXACT,
    }),
    kernelCase({
      what: 'set at the threshold, at the middles of pixels',
      kernel: pasteMaskBits,
      inputs: { probabilities: MASKS, image_boxes: BOXES, regions: indices([6, 6], table) },
      attributes: { threshold: 0.5, capacity, paste },
      reference: () => {
        const bits = new Float64Array(capacity).fill(Number.NaN);
        regions.forEach(([x, y, width, height], r) => {
          for (let row = 0; row < height!; row++) {
            for (let word = 0; word < words[r]!; word++) {
              let set = 0;
              for (let bit = 0; bit < 32 && 32 * word + bit < width!; bit++) {
                const value = soft(r, y! + row, x! + 32 * word + bit);
                if (Math.abs(value - 0.5) < 1e-4 && value !== 0.5) set = Number.NaN;
                if (value >= 0.5) set += 2 ** bit;
              }
              bits[firsts[r]! + row * words[r]! + word] = set;
            }
          }
        });
        return { bits };
      },
      tolerance: EXACT,
    }),
  ];
}

export const familyRows: KernelCase[] = [
  candidatesRow('background last, without a box', 5, 4),
  candidatesRow('background last, one box for all classes', 4, 1),
  selectRow('no mask of the background', 4, [1, 4, 2], [0, 3, 1]),
  selectRow('one mask for all classes', 1, [1, 4, 2], [0, 0, 0]),
  gatherRow(),
  clipRow(),
  ...centreRows(),
];
