// Convolutions by their definitions, in float64 and the checkpoint's layouts.

import type { HostTensor } from '../gpu';

type Shape4 = [number, number, number, number];

export interface Convolution {
  stride?: number;
  padding?: number;
  outputPadding?: number;
  dilation?: number;
  groups?: number;
  relu?: boolean;
}

// input [N, H, W, C], weight [O, C/G, Y, X] -> [N, H', W', O]
export function conv2d(
  input: HostTensor,
  weight: HostTensor,
  options: Convolution,
  bias?: HostTensor,
  add?: HostTensor,
): Float64Array {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, relu = false } = options;
  const [N, H, W, C] = input.shape as Shape4;
  const [O, I, Y, X] = weight.shape as Shape4;
  const outHeight = Math.floor((H + 2 * padding - dilation * (Y - 1) - 1) / stride) + 1;
  const outWidth = Math.floor((W + 2 * padding - dilation * (X - 1) - 1) / stride) + 1;
  const output = new Float64Array(N * outHeight * outWidth * O);
  let at = 0;
  for (let n = 0; n < N; n++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let o = 0; o < O; o++, at++) {
          const group = Math.floor(o / (O / groups));
          let sum = bias ? bias.data[o]! : 0;
          for (let i = 0; i < I; i++)
            for (let ky = 0; ky < Y; ky++)
              for (let kx = 0; kx < X; kx++) {
                const y = oy * stride - padding + ky * dilation;
                const x = ox * stride - padding + kx * dilation;
                if (y < 0 || y >= H || x < 0 || x >= W) continue;
                const pixel = input.data[((n * H + y) * W + x) * C + group * I + i]!;
                sum += pixel * weight.data[((o * I + i) * Y + ky) * X + kx]!;
              }
          if (add) sum += add.data[at]!;
          output[at] = relu ? Math.max(sum, 0) : sum;
        }
  return output;
}

// input [N, H, W, C], weight [C, O, Y, X] -> [N, H', W', O]: every input scatters its window
export function convTranspose2d(
  input: HostTensor,
  weight: HostTensor,
  options: Convolution,
  bias?: HostTensor,
): Float64Array {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, relu = false } = options;
  const [N, H, W, C] = input.shape as Shape4;
  const [, O, Y, X] = weight.shape as Shape4;
  const outHeight = (H - 1) * stride - 2 * padding + dilation * (Y - 1) + 1 + outputPadding;
  const outWidth = (W - 1) * stride - 2 * padding + dilation * (X - 1) + 1 + outputPadding;
  const output = new Float64Array(N * outHeight * outWidth * O);
  for (let at = 0; at < output.length; at++) output[at] = bias ? bias.data[at % O]! : 0;
  for (let n = 0; n < N; n++)
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++)
        for (let c = 0; c < C; c++)
          for (let o = 0; o < O; o++)
            for (let ky = 0; ky < Y; ky++)
              for (let kx = 0; kx < X; kx++) {
                const oy = y * stride - padding + ky * dilation;
                const ox = x * stride - padding + kx * dilation;
                if (oy < 0 || oy >= outHeight || ox < 0 || ox >= outWidth) continue;
                const pixel = input.data[((n * H + y) * W + x) * C + c]!;
                output[((n * outHeight + oy) * outWidth + ox) * O + o]! +=
                  pixel * weight.data[((c * O + o) * Y + ky) * X + kx]!;
              }
  return relu ? output.map((value) => Math.max(value, 0)) : output;
}
