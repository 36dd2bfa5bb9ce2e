// preprocess, roi_align, scale_boxes and the paste kernels against torchvision's stages, each kernel fed
// with torchvision's own inputs.

import { describe, expect, test } from 'vitest';
import { maskRegions } from '../src/kernels/mask_regions';
import { pasteMaskBits } from '../src/kernels/paste_mask_bits';
import { pasteMasks } from '../src/kernels/paste_masks';
import { preprocess } from '../src/kernels/preprocess';
import { roiAlign } from '../src/kernels/roi_align';
import { scaleBoxes } from '../src/kernels/scale_boxes';
import { inferScales, levelCuts } from '../src/model/levels';
import { canvasSize, resizedSize, resizeTable } from '../src/model/transform';
import { readGolden } from './golden_file';
import { runKernel } from './gpu';
import { indices, tensor } from './kernel_case';

const stages = readGolden('stages');
const features = readGolden('stages_features');
const [HEIGHT, WIDTH] = stages.tensor('image').shape as [number, number];
const resized = resizedSize(HEIGHT, WIDTH, 64, 128);
const image = { height: HEIGHT, width: WIDTH };

function floats(name: string) {
  const { shape, data } = stages.floats(name);
  return tensor(shape, data);
}

const all = (tensorOfRows: { shape: readonly number[] }) => indices([1], [tensorOfRows.shape[0]!]);

/** [.., C, H, W] where ours is [.., H, W, C]: the index into ours of element `index` of the reference's. */
function channelsLast(index: number, [C, H, W]: [number, number, number]): number {
  const [channel, pixel] = [Math.floor(index / (H * W)) % C, index % (H * W)];
  return Math.floor(index / (C * H * W)) * C * H * W + pixel * C + channel;
}

/** The largest |ours - theirs| over the samples that the golden file keeps. */
function largestError(ours: ArrayLike<number>, name: string, at = (index: number) => index): number {
  const { samples, indices: positions } = stages.summary(name);
  return Math.max(...positions.map((index, k) => Math.abs(ours[at(index)]! - samples[k]!)));
}

test('preprocess', async () => {
  const rgb = stages.tensor('image').data;
  const pixels = Array.from(
    { length: HEIGHT * WIDTH },
    (_, i) => rgb[3 * i]! | (rgb[3 * i + 1]! << 8) | (rgb[3 * i + 2]! << 16),
  );
  const canvas = canvasSize(resized.height, resized.width);
  const { shape, data } = stages.floats('canvas');
  expect(shape).toEqual([3, canvas.height, canvas.width]);
  const columns = resizeTable(WIDTH, resized.width);
  const rows = resizeTable(HEIGHT, resized.height);
  const got = await runKernel(
    preprocess,
    {
      pixels: indices([HEIGHT, WIDTH], pixels),
      columns: indices([resized.width, 2], columns.index),
      column_weights: tensor([resized.width], columns.weight),
      rows: indices([resized.height, 2], rows.index),
      row_weights: tensor([resized.height], rows.weight),
    },
    {
      ...resized,
      canvasHeight: canvas.height,
      canvasWidth: canvas.width,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
  );
  const area = canvas.height * canvas.width;
  const errors = Array.from(data, (want, i) =>
    Math.abs(got.image![4 * (i % area) + Math.floor(i / area)]! - want),
  );
  expect(Math.max(...errors)).toBeLessThan(5e-6);
});

describe('roi_align', () => {
  const levels = ['p2', 'p3', 'p4', 'p5'].map((name) => {
    const { shape, data } = features.floats(name);
    const [C, H, W] = shape as [number, number, number];
    const last = new Float32Array(data.length);
    data.forEach((value, i) => {
      last[channelsLast(i, [C, H, W])] = value;
    });
    return tensor([1, H, W, C], last);
  });
  const maps = Object.fromEntries(levels.map((map, i) => [`level${i}`, map]));
  const scales = inferScales(
    levels.map((map) => map.shape[1]!),
    resized.height,
  );

  test.each([
    ['box_pooled', 'proposals', 7],
    ['probes/pooled', 'probes/boxes', 7],
    ['mask_pooled', 'detections/boxes', 14],
  ])('%s', async (golden, boxesName, pooled) => {
    const boxes = floats(boxesName);
    const got = await runKernel(
      roiAlign,
      { ...maps, boxes, count: all(boxes) },
      { pooled, samples: 2, aligned: false, scales, cuts: levelCuts(2, 5) },
    );
    const largest = stages.summary(golden).stats[0]!;
    const at = (index: number) => channelsLast(index, [256, pooled, pooled]);
    expect(largestError(got.pooled!, golden, at)).toBeLessThan(1e-5 * largest);
  });
});

test('scale_boxes', async () => {
  const boxes = floats('detections/boxes');
  const got = await runKernel(
    scaleBoxes,
    { boxes, count: all(boxes) },
    { ...image, resizedHeight: resized.height, resizedWidth: resized.width },
  );
  const want = stages.floats('final/boxes').data;
  expect(Math.max(...want.map((side, i) => Math.abs(side - got.image_boxes![i]!)))).toBeLessThan(2e-5);
});

describe('masks', () => {
  const probabilities = floats('mask_probabilities');
  const image_boxes = floats('final/boxes');
  const count = all(image_boxes);

  test('paste_masks', async () => {
    const { pasted } = await runKernel(pasteMasks, { probabilities, image_boxes, count }, image);
    expect(largestError(pasted!, 'pasted/soft')).toBeLessThan(1e-5);
  });

  test('mask_regions and paste_mask_bits', async () => {
    const capacity = 50_000;
    const found = await runKernel(
      maskRegions,
      { image_boxes, count },
      { ...image, side: probabilities.shape[1]!, capacity },
    );
    const regions = indices([image_boxes.shape[0]!, 6], found.regions!);
    const { bits } = await runKernel(
      pasteMaskBits,
      { probabilities, image_boxes, regions },
      { threshold: 0.5, capacity },
    );
    const packed = stages.tensor('pasted/bits').data;
    const doubtful = stages.tensor('pasted/doubtful').data;
    for (let r = 0; r < image_boxes.shape[0]!; r++) {
      const [x0, y0, width, height, words, first] = regions.data.slice(
        6 * r,
        6 * r + 6,
      ) as unknown as number[];
      let differing = 0;
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) {
          const i = y * WIDTH + x;
          const want = (packed[r * Math.ceil((HEIGHT * WIDTH) / 8) + (i >> 3)]! >> (7 - (i & 7))) & 1;
          const [column, row] = [x - x0!, y - y0!];
          const inside = column >= 0 && column < width! && row >= 0 && row < height!;
          const got = inside ? (bits![first! + row * words! + (column >> 5)]! >>> (column & 31)) & 1 : 0;
          differing += Number(got !== want);
        }
      }
      expect(differing, `mask ${r}`).toBeLessThanOrEqual(doubtful[r]!);
    }
  });
});
