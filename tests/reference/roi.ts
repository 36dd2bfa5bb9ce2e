// roi_align and roi_pool by definition: loops in f64 over coordinates in torchvision's float32 steps.

import type { HostTensor } from '../gpu';

export interface Regions {
  /** Maps, finest first. */
  levels: HostTensor[];
  boxes: HostTensor;
  count: number;
  /** Boxes before it are left out: NaN. */
  first?: number;
  pooled: number;
  scales: readonly number[];
  cuts: readonly number[];
  /** Area from which on a box has no level: zeros. */
  end?: number | undefined;
  /** Whether boxes include x2 and y2 when their area is measured. */
  inclusive?: boolean;
}

const { fround } = Math;

/** Rows `first` to `count` of [R, P, P, C], bins by `bin`; NaN (undefined) elsewhere. */
function eachBin(
  regions: Regions,
  bin: (map: HostTensor, box: number[], y: number, x: number) => (channel: number) => number,
): Float64Array {
  const { levels, boxes, count, first = 0, pooled, scales, cuts } = regions;
  const { end = Number.POSITIVE_INFINITY, inclusive = false } = regions;
  const one = Number(inclusive);
  const channels = levels[0]!.shape[3]!;
  const out = new Float64Array(boxes.shape[0]! * pooled * pooled * channels).fill(Number.NaN);
  let at = first * pooled * pooled * channels;
  for (let r = first; r < Math.min(count, boxes.shape[0]!); r++) {
    const [x1, y1, x2, y2] = boxes.data.slice(4 * r, 4 * r + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const area = fround(fround(x2 - x1 + one) * fround(y2 - y1 + one));
    const level = cuts.filter((cut) => area >= cut).length;
    const box = [x1, y1, x2, y2].map((side) => fround(side * fround(scales[level]!)));
    for (let y = 0; y < pooled; y++) {
      for (let x = 0; x < pooled; x++) {
        const value = bin(levels[level]!, box, y, x);
        for (let c = 0; c < channels; c++) out[at++] = area >= end ? 0 : value(c);
      }
    }
  }
  return out;
}

/** torchvision's bilinear_interpolate: 0 beyond one pixel off the map, else the edge repeated. */
function bilinear(map: HostTensor, y: number, x: number, channel: number): number {
  const [, H, W, C] = map.shape as [number, number, number, number];
  if (!(y >= -1 && y <= H && x >= -1 && x <= W)) return 0;
  const at = (row: number, column: number) => map.data[(row * W + column) * C + channel]!;
  const top = Math.min(Math.floor(Math.max(y, 0)), H - 1);
  const left = Math.min(Math.floor(Math.max(x, 0)), W - 1);
  const [bottom, right] = [Math.min(top + 1, H - 1), Math.min(left + 1, W - 1)];
  const fy = bottom === top ? 0 : Math.max(y, 0) - top;
  const fx = right === left ? 0 : Math.max(x, 0) - left;
  return (
    (1 - fy) * (1 - fx) * at(top, left) +
    (1 - fy) * fx * at(top, right) +
    fy * (1 - fx) * at(bottom, left) +
    fy * fx * at(bottom, right)
  );
}

export function roiAlign(regions: Regions & { samples: number; aligned: boolean }): Float64Array {
  const { pooled, samples, aligned } = regions;
  const offset = aligned ? 0.5 : 0;
  /** The sample coordinates of bin `index` along one axis. */
  const along = (low: number, high: number, index: number): number[] => {
    const start = fround(low - offset);
    let size = fround(fround(high - offset) - start);
    if (!aligned && size < 1) size = 1;
    const bin = fround(size / pooled);
    const n = samples > 0 ? samples : Math.ceil(bin);
    const first = fround(start + fround(index * bin));
    return Array.from({ length: Math.max(n, 0) }, (_, i) =>
      fround(first + fround(fround((i + 0.5) * bin) / n)),
    );
  };
  return eachBin(regions, (map, box, py, px) => {
    const ys = along(box[1]!, box[3]!, py);
    const xs = along(box[0]!, box[2]!, px);
    return (channel) => {
      let sum = 0;
      for (const y of ys) for (const x of xs) sum += bilinear(map, y, x, channel);
      return sum / Math.max(xs.length * ys.length, 1);
    };
  });
}

/** C++ round: halves away from zero. */
function round(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

export function roiPool(regions: Regions): Float64Array {
  const { pooled } = regions;
  const along = (low: number, high: number, index: number, limit: number): [number, number] => {
    const start = round(low);
    const bin = fround(Math.max(round(high) - start + 1, 1) / pooled);
    const from = Math.floor(fround(index * bin)) + start;
    const to = Math.ceil(fround((index + 1) * bin)) + start;
    return [Math.min(Math.max(from, 0), limit), Math.min(Math.max(to, 0), limit)];
  };
  return eachBin(regions, (map, box, py, px) => {
    const [, H, W, C] = map.shape as [number, number, number, number];
    const [top, bottom] = along(box[1]!, box[3]!, py, H);
    const [left, right] = along(box[0]!, box[2]!, px, W);
    if (bottom <= top || right <= left) return () => 0;
    return (channel) => {
      let largest = Number.NEGATIVE_INFINITY;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) largest = Math.max(largest, map.data[(y * W + x) * C + channel]!);
      }
      return largest;
    };
  });
}
