// Softmax, sigmoid and top-k by their definitions.

import type { HostTensor } from '../gpu';

/** The lowest f32: no score. */
export const NONE = -3.4028234663852886e38;
export const NO_INDEX = 0xffffffff;

export function isScore(x: number): boolean {
  return x > NONE;
}

/** [R, K], over K; a NaN weighs nothing. Rows from `count` on are 0. */
export function softmax({ data, shape }: HostTensor, count = shape[0]!): Float64Array {
  const K = shape[1]!;
  const out = new Float64Array(data.length);
  for (let row = 0; row < count; row++) {
    const x = Array.from(data.subarray(row * K, row * K + K), (v) => (Number.isNaN(v) ? -Infinity : v));
    const highest = Math.max(...x);
    if (highest === -Infinity) continue;
    const weights = x.map((v) => (v === highest ? 1 : Math.exp(v - highest)));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let k = 0; k < K; k++) out[row * K + k] = weights[k]! / sum;
  }
  return out;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** segments: (offset, length) each. Sorts them whole. */
export function topK(values: ArrayLike<number>, segments: ArrayLike<number>, k: number) {
  const indices: number[] = [];
  const top: number[] = [];
  for (let s = 0; s < segments.length; s += 2) {
    const entries = Array.from({ length: segments[s + 1]! }, (_, i) => ({ i, v: values[segments[s]! + i]! }))
      .filter(({ v }) => isScore(v))
      .sort((a, b) => (a.v === b.v ? a.i - b.i : b.v > a.v ? 1 : -1));
    for (let n = 0; n < k; n++) {
      indices.push(entries[n]?.i ?? NO_INDEX);
      top.push(entries[n]?.v ?? NONE);
    }
  }
  return { indices, top };
}
