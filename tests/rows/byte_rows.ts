// Rows of the resizes of bytes: resample_bytes, an axis as Pillow, and resize_bytes, both as OpenCV.

import { resampleBytes } from '../../src/kernels/resample_bytes';
import { resizeBytes } from '../../src/kernels/resize_bytes';
import { opencvPairs, pillowTaps } from '../../src/model/resample';
import type { HostTensor } from '../gpu';
import { EXACT, indices, type KernelCase, kernelCase, uniform } from '../kernel_case';
import * as reference from '../reference/families';

const next = uniform(17);

function noise(height: number, width: number): HostTensor {
  return indices(
    [height, width],
    Array.from({ length: height * width }, () => Math.floor(next() * 2 ** 32)),
  );
}

function resampleRow(
  what: string,
  pixels: HostTensor,
  axis: 'columns' | 'rows',
  outputs: number,
): KernelCase {
  const { taps, most, weights } = pillowTaps(pixels.shape[axis === 'rows' ? 0 : 1]!, outputs);
  return kernelCase({
    what,
    kernel: resampleBytes,
    inputs: { pixels, taps: indices([outputs, 2], taps), weights: indices([outputs, most], weights) },
    attributes: { axis },
    reference: () => ({ resized: reference.resampleBytes(pixels, outputs, axis) }),
    tolerance: EXACT,
  });
}

/** 10 20 / 30 40 and twice its side, as OpenCV 5.0.0 gives it: floats would round to 13 and 18. */
const TWICE = [10, 12, 17, 20, 15, 17, 22, 25, 25, 27, 32, 35, 30, 32, 37, 40];

function resizeRow(): KernelCase {
  const [columns, rows] = [opencvPairs(2, 4, 'columns'), opencvPairs(2, 4, 'rows')];
  const grey = (value: number) => 0xff000000 + value * 0x010101;
  return kernelCase({
    what: '2x2 to 4x4, by OpenCV',
    kernel: resizeBytes,
    inputs: {
      pixels: indices([2, 2], [10, 20, 30, 40].map(grey)),
      columns: indices([4, 2], columns.index),
      column_weights: indices([4, 2], columns.weights),
      rows: indices([4, 2], rows.index),
      row_weights: indices([4, 2], rows.weights),
    },
    attributes: {},
    reference: () => ({ resized: TWICE.map(grey) }),
    tolerance: EXACT,
  });
}

export const byteRows: KernelCase[] = [
  resampleRow('wider', noise(9, 33), 'columns', 50),
  resampleRow('narrower, many taps', noise(5, 200), 'columns', 7),
  resampleRow('higher', noise(20, 9), 'rows', 33),
  resampleRow('lower', noise(64, 5), 'rows', 21),
  resampleRow('from one column', noise(3, 1), 'columns', 4),
  resampleRow('as it is', noise(4, 6), 'columns', 6),
  resizeRow(),
];
