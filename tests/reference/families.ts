// What families other than torchvision's first models compute, by definition: loops in f64.

import type { HostTensor } from '../gpu';

/** One axis of Pillow's bilinear resize, channel by channel. pixels u32 [H, W] -> u32 [H, n] or [n, W] */
export function resampleBytes(pixels: HostTensor, outputs: number, axis: 'columns' | 'rows'): number[] {
  const [height, width] = pixels.shape as [number, number];
  const inputs = axis === 'rows' ? height : width;
  const scale = inputs / outputs;
  const support = Math.max(1, scale);
  const [outHeight, outWidth] = axis === 'rows' ? [outputs, width] : [height, outputs];
  return Array.from({ length: outHeight * outWidth }, (_, item) => {
    const [y, x] = [Math.floor(item / outWidth), item % outWidth];
    const centre = ((axis === 'rows' ? y : x) + 0.5) * scale;
    const sums = [0, 0, 0];
    const near = Array.from({ length: inputs }, (_, i) =>
      i >= Math.trunc(Math.max(0, centre - support + 0.5)) && i < Math.trunc(centre + support + 0.5)
        ? Math.max(0, 1 - Math.abs(i + 0.5 - centre) / support)
        : 0,
    );
    const total = near.reduce((a, b) => a + b, 0);
    near.forEach((weight, i) => {
      const pixel = pixels.data[axis === 'rows' ? i * width + x : y * width + i]!;
      const whole = Math.floor((weight / total) * 2 ** 22 + 0.5);
      for (let c = 0; c < 3; c++) sums[c]! += whole * ((pixel >>> (8 * c)) & 255);
    });
    const [r, g, b] = sums.map((sum) => Math.min(255, Math.floor(sum / 2 ** 22 + 0.5)));
    return r! + 256 * g! + 65536 * b! + 0xff000000;
  });
}

export function hardSwish(x: number): number {
  return (x * Math.min(Math.max(x + 3, 0), 6)) / 6;
}

// input [N, H, W, C], gate [N, 1, 1, C] -> [N, H, W, C]
export function scaleChannels(input: HostTensor, gate: HostTensor): Float64Array {
  const [N, H, W, C] = input.shape as [number, number, number, number];
  return Float64Array.from({ length: N * H * W * C }, (_, at) => {
    const opening = Math.min(Math.max(gate.data[Math.floor(at / (H * W * C)) * C + (at % C)]! + 3, 0), 6) / 6;
    return input.data[at]! * opening;
  });
}

const A = -0.75;

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  return d < 2 ? ((A * d - 5 * A) * d + 8 * A) * d - 4 * A : 0;
}

function clampTo(x: number, n: number): number {
  return Math.min(Math.max(x, 0), n - 1);
}

/** Samples a square map of `side` at (y, x) in its own cells. */
function bilinear(map: (y: number, x: number) => number, side: number, y: number, x: number): number {
  const [top, left] = [Math.max(y, 0), Math.max(x, 0)];
  const [y0, x0] = [Math.floor(top), Math.floor(left)];
  const [y1, x1] = [clampTo(y0 + 1, side), clampTo(x0 + 1, side)];
  const [fy, fx] = [top - y0, left - x0];
  return (
    (1 - fy) * ((1 - fx) * map(y0, x0) + fx * map(y0, x1)) + fy * ((1 - fx) * map(y1, x0) + fx * map(y1, x1))
  );
}

function bicubic(map: Float64Array, side: number, y: number, x: number): number {
  const [y0, x0] = [Math.floor(y), Math.floor(x)];
  let sum = 0;
  for (let i = -1; i <= 2; i++) {
    for (let j = -1; j <= 2; j++) {
      const value = map[clampTo(y0 + i, side) * side + clampTo(x0 + j, side)]!;
      sum += cubic(y - y0 - i) * cubic(x - x0 - j) * value;
    }
  }
  return sum;
}

/** [R, M, M, K] -> [R, K, 3]: x, y, score of the peak of each heatmap, twice enlarged. */
export function decodeKeypoints(
  heatmaps: HostTensor,
  boxes: HostTensor,
  count: number,
  { xScale, yScale, score }: { xScale: number; yScale: number; score: 'logit' | 'probability' },
): Float64Array {
  const [R, M, , K] = heatmaps.shape as [number, number, number, number];
  const side = 2 * M;
  const out = new Float64Array(R * K * 3);
  for (let r = 0; r < Math.min(count, R); r++) {
    const [x1, y1, x2, y2] = [...boxes.data.slice(4 * r, 4 * r + 4)] as [number, number, number, number];
    const [width, height] = [Math.max(Math.fround(x2 - x1), 1), Math.max(Math.fround(y2 - y1), 1)];
    const [columns, rows] = [Math.ceil(width), Math.ceil(height)];
    for (let k = 0; k < K; k++) {
      const heat = (y: number, x: number) => heatmaps.data[((r * M + y) * M + x) * K + k]!;
      const doubled = Float64Array.from({ length: side * side }, (_, i) =>
        bilinear(heat, M, (Math.floor(i / side) + 0.5) / 2 - 0.5, ((i % side) + 0.5) / 2 - 0.5),
      );
      let best = { value: Number.NEGATIVE_INFINITY, x: 0, y: 0 };
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const at = [((y + 0.5) * side) / rows - 0.5, ((x + 0.5) * side) / columns - 0.5] as const;
          const value = bicubic(doubled, side, ...at);
          if (value > best.value) best = { value, x, y };
        }
      }
      const sum = doubled.reduce((total, value) => total + Math.exp(value - best.value), 0);
      out.set(
        [
          ((best.x + 0.5) * (width / columns) + x1) * xScale,
          ((best.y + 0.5) * (height / rows) + y1) * yScale,
          score === 'probability' ? 1 / sum : best.value,
        ],
        3 * (r * K + k),
      );
    }
  }
  return out;
}

/** detectron2's soft mask `r` at the middle of pixel (y, x): bilinear, zeros outside. */
export function readMask(
  probabilities: HostTensor,
  boxes: HostTensor,
  r: number,
  y: number,
  x: number,
): number {
  const side = probabilities.shape[1]!;
  const [x1, y1, x2, y2] = [...boxes.data.slice(4 * r, 4 * r + 4)] as [number, number, number, number];
  if (!(x2 > x1 && y2 > y1)) return 0;
  const [u, v] = [((x + 0.5 - x1) / (x2 - x1)) * side - 0.5, ((y + 0.5 - y1) / (y2 - y1)) * side - 0.5];
  let sum = 0;
  for (const row of [Math.floor(v), Math.floor(v) + 1]) {
    for (const column of [Math.floor(u), Math.floor(u) + 1]) {
      if (row < 0 || row >= side || column < 0 || column >= side) continue;
      const weight = (1 - Math.abs(v - row)) * (1 - Math.abs(u - column));
      sum += weight * probabilities.data[(r * side + row) * side + column]!;
    }
  }
  return sum;
}
