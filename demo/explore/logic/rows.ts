// Rows of tensors whose first axis counts regions.

import type { HostTensor } from '../../../src/index';

/** Row `i` as a tensor of one: [1, …]. */
export function rowOf({ shape, data }: HostTensor, i: number): HostTensor {
  const [, ...rest] = shape;
  const size = rest.reduce((product, n) => product * n, 1);
  return { shape: [1, ...rest], data: data.slice(i * size, (i + 1) * size) };
}

/** The channel of a map [1, H, W, C] whose values differ the most: the one with something to see. */
export function liveliest({ shape, data }: HostTensor): number {
  const channels = shape.at(-1)!;
  const least = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const most = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    if (data[i]! < least[c]!) least[c] = data[i]!;
    if (data[i]! > most[c]!) most[c] = data[i]!;
  }
  const spreads = most.map((high, c) => high - least[c]!);
  return spreads.indexOf(Math.max(...spreads));
}
