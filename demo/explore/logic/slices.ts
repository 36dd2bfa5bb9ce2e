// Parts of a tensor [N, H, W, C], channels last.

import type { HostTensor } from '../../../src/index';

/** A channel as a picture of numbers. */
export interface Slice {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Whether a shape is that of maps: [N, H, W, C]. */
export function isMap(
  shape: readonly number[] | undefined,
): shape is readonly [number, number, number, number] {
  return shape?.length === 4 && shape[1]! * shape[2]! > 1;
}

/** Channel `c` of map `n`. */
export function channelOf({ shape, data }: HostTensor, c: number, n = 0): Slice {
  const [, height, width, channels] = shape as [number, number, number, number];
  const slice = new Float32Array(height * width);
  const first = n * height * width * channels + c;
  for (let i = 0; i < slice.length; i++) slice[i] = data[first + i * channels]!;
  return { data: slice, height, width };
}

/** A number of map `n`, or of row `n` of [N, C]; 0 outside, as padding has it. */
export function valueAt({ shape, data }: HostTensor, y: number, x: number, c: number, n = 0): number {
  const channels = shape.at(-1)!;
  const [height, width] = shape.length === 4 ? (shape.slice(1, 3) as [number, number]) : [1, 1];
  if (y < 0 || x < 0 || y >= height || x >= width) return 0;
  return data[((n * height + y) * width + x) * channels + c]!;
}
