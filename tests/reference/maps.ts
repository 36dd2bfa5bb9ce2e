// Operations on maps by their definitions, in float64.

import type { HostTensor } from '../gpu';

type Shape4 = [number, number, number, number];

// input [R, I], weight [O, I] -> [R, O]
export function linear(input: HostTensor, weight: HostTensor, bias?: HostTensor, relu = false): Float64Array {
  const [O, I] = weight.shape as [number, number];
  const R = input.shape[0]!;
  return Float64Array.from({ length: R * O }, (_, at) => {
    const [r, o] = [Math.floor(at / O), at % O];
    let sum = bias ? bias.data[o]! : 0;
    for (let i = 0; i < I; i++) sum += input.data[r * I + i]! * weight.data[o * I + i]!;
    return relu ? Math.max(sum, 0) : sum;
  });
}

// input [N, H, W, C] -> [N, H', W', C]
export function maxPool2d(input: HostTensor, window: number, stride: number, padding: number): Float64Array {
  const [N, H, W, C] = input.shape as Shape4;
  const outHeight = Math.floor((H + 2 * padding - window) / stride) + 1;
  const outWidth = Math.floor((W + 2 * padding - window) / stride) + 1;
  const output = new Float64Array(N * outHeight * outWidth * C).fill(Number.NEGATIVE_INFINITY);
  for (let at = 0; at < output.length; at++) {
    const [c, ox] = [at % C, Math.floor(at / C) % outWidth];
    const [oy, n] = [
      Math.floor(at / (C * outWidth)) % outHeight,
      Math.floor(at / (C * outWidth * outHeight)),
    ];
    for (let y = oy * stride - padding; y < oy * stride - padding + window; y++)
      for (let x = ox * stride - padding; x < ox * stride - padding + window; x++) {
        if (y < 0 || y >= H || x < 0 || x >= W) continue;
        output[at] = Math.max(output[at]!, input.data[((n * H + y) * W + x) * C + c]!);
      }
  }
  return output;
}

// input [N, H, W, C] -> [N, H', W', C]
export function avgPool2d(input: HostTensor, [Y, X]: [number, number], stride: number): Float64Array {
  const [N, H, W, C] = input.shape as Shape4;
  const [outHeight, outWidth] = [Math.floor((H - Y) / stride) + 1, Math.floor((W - X) / stride) + 1];
  const output = new Float64Array(N * outHeight * outWidth * C);
  for (let at = 0; at < output.length; at++) {
    const [c, ox] = [at % C, Math.floor(at / C) % outWidth];
    const [oy, n] = [
      Math.floor(at / (C * outWidth)) % outHeight,
      Math.floor(at / (C * outWidth * outHeight)),
    ];
    let sum = 0;
    for (let y = oy * stride; y < oy * stride + Y; y++)
      for (let x = ox * stride; x < ox * stride + X; x++) sum += input.data[((n * H + y) * W + x) * C + c]!;
    output[at] = sum / (Y * X);
  }
  return output;
}

// lateral [N, H, W, C], coarse [N, h, w, C] -> [N, H, W, C]
export function upsampleAdd(lateral: HostTensor, coarse: HostTensor): Float64Array {
  const [, H, W, C] = lateral.shape as Shape4;
  const [, h, w] = coarse.shape as Shape4;
  return Float64Array.from(lateral.data, (value, at) => {
    const [c, x] = [at % C, Math.floor(at / C) % W];
    const [y, n] = [Math.floor(at / (C * W)) % H, Math.floor(at / (C * W * H))];
    const sy = Math.min(Math.floor(Math.fround(y * Math.fround(h / H))), h - 1);
    const sx = Math.min(Math.floor(Math.fround(x * Math.fround(w / W))), w - 1);
    return value + coarse.data[((n * h + sy) * w + sx) * C + c]!;
  });
}
