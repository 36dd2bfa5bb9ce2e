// How pictures of bytes are resized before they are normalised, as tables of whole numbers: the engine then equals
// Pillow and OpenCV to the byte. torchvision resizes floats instead (transform.ts).

import { roundHalfEven } from './round_half_even';

/** float: torchvision's, after normalising. pillow, opencv: of bytes, before. */
export const RESIZE_RULES = ['float', 'pillow', 'opencv'] as const;
export type ResizeRule = (typeof RESIZE_RULES)[number];

const { floor, trunc } = Math;

/** One axis of Pillow's resize: output i is the sum of `count` bytes from `first` on, each times its weight. */
export interface ByteTaps {
  /** [n, 2]: first and count of each output. */
  taps: Uint32Array;
  /** Most taps of an output. */
  most: number;
  /** [n, most], in units of 2^-22. */
  weights: Uint32Array;
}

/** Pillow's Resample.c keeps weights in 32 bits, less 8 of a pixel and 2 of headroom. */
export const PILLOW_BITS = 22;

/** Pillow's bilinear filter: a triangle that grows with the shrinking, so it is an antialias too. */
export function pillowTaps(nIn: number, nOut: number): ByteTaps {
  const scale = nIn / nOut;
  const support = Math.max(scale, 1);
  const rows = Array.from({ length: nOut }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(trunc(centre - support + 0.5), 0);
    const end = Math.min(trunc(centre + support + 0.5), nIn);
    const inverse = 1 / support;
    const weights = Array.from({ length: end - first }, (_, x) =>
      Math.max(0, 1 - Math.abs((x + first - centre + 0.5) * inverse)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => trunc(0.5 + (weight / sum) * 2 ** PILLOW_BITS)) };
  });
  const most = Math.max(...rows.map(({ weights }) => weights.length));
  const table = new Uint32Array(nOut * most);
  rows.forEach(({ weights }, i) => {
    table.set(weights, i * most);
  });
  return {
    taps: Uint32Array.from(rows.flatMap(({ first, weights }) => [first, weights.length])),
    most,
    weights: table,
  };
}

/** One axis of OpenCV's linear resize: two bytes of each output and their weights in units of 2^-11. */
export interface BytePairs {
  /** [n, 2] */
  index: Uint32Array;
  /** [n, 2] */
  weights: Uint32Array;
}

/**
 * OpenCV's INTER_LINEAR: no antialias. Columns beyond the border are cut to it and then weigh all; rows are only
 * read there.
 */
export function opencvPairs(nIn: number, nOut: number, axis: 'columns' | 'rows'): BytePairs {
  const scale = 1 / (nOut / nIn);
  const index = new Uint32Array(2 * nOut);
  const weights = new Uint32Array(2 * nOut);
  for (let i = 0; i < nOut; i++) {
    const at = Math.fround((i + 0.5) * scale - 0.5);
    let low = floor(at);
    let rest = Math.fround(at - low);
    if (axis === 'columns' && low < 0) [low, rest] = [0, 0];
    if (axis === 'columns' && low >= nIn - 1) [low, rest] = [nIn - 1, 0];
    const inside = (x: number) => Math.min(Math.max(x, 0), nIn - 1);
    index.set([inside(low), inside(low + 1)], 2 * i);
    weights.set([roundHalfEven(Math.fround(1 - rest) * 2048), roundHalfEven(rest * 2048)], 2 * i);
  }
  return { index, weights };
}
