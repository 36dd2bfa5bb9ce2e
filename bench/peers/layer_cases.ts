// The single layers of R50-FPN that engines are compared on: those of a picture at 320 x 320, and the heads'.

export interface LayerCase {
  readonly name: string;
  readonly kind: 'conv2d' | 'linear' | 'convTranspose2d';
  /** N, H, W, C; a linear layer flattens the last three. */
  readonly input: readonly [number, number, number, number];
  readonly outputs: number;
  readonly window: number;
  readonly stride: number;
  readonly padding: number;
}

export const LAYER_CASES: readonly LayerCase[] = [
  conv('1x1 64->256 @80', [1, 80, 80, 64], 256, 1),
  conv('1x1 1024->256 @20', [1, 20, 20, 1024], 256, 1),
  conv('3x3 64->64 @80', [1, 80, 80, 64], 64, 3),
  conv('3x3 256->256 @80', [1, 80, 80, 256], 256, 3),
  conv('3x3 s2 128->128 @80->40', [1, 80, 80, 128], 128, 3, 2),
  conv('7x7 s2 3->64 @320->160', [1, 320, 320, 3], 64, 7, 2),
  conv('3x3 512->512 @10', [1, 10, 10, 512], 512, 3),
  conv('3x3 256->256 @14 x20', [20, 14, 14, 256], 256, 3),
  linear('FC6 100x12544x1024', [100, 7, 7, 256], 1024),
  linear('FC6 1000x12544x1024', [1000, 7, 7, 256], 1024),
  {
    name: 'convT 2x2 s2 256->256 @14->28 x20',
    kind: 'convTranspose2d',
    input: [20, 14, 14, 256],
    outputs: 256,
    window: 2,
    stride: 2,
    padding: 0,
  },
];

function conv(
  name: string,
  input: LayerCase['input'],
  outputs: number,
  window: number,
  stride = 1,
): LayerCase {
  return { name, kind: 'conv2d', input, outputs, window, stride, padding: (window - 1) / 2 };
}

function linear(name: string, input: LayerCase['input'], outputs: number): LayerCase {
  return { name, kind: 'linear', input, outputs, window: 1, stride: 1, padding: 0 };
}

// -> N, H', W', O
export function outputShape(layer: LayerCase): [number, number, number, number] {
  const [N, H, W] = layer.input;
  const { kind, outputs, window, stride, padding } = layer;
  if (kind === 'linear') return [N, 1, 1, outputs];
  const side = (x: number): number =>
    kind === 'conv2d' ? Math.floor((x + 2 * padding - window) / stride) + 1 : x * stride;
  return [N, side(H), side(W), outputs];
}

/** The weight's shape as PyTorch has it: [O, C, Y, X], [O, C H W] or, transposed, [C, O, Y, X]. */
export function weightShape({ kind, input, outputs, window }: LayerCase): number[] {
  const [, H, W, C] = input;
  if (kind === 'linear') return [outputs, C * H * W];
  return kind === 'conv2d' ? [outputs, C, window, window] : [C, outputs, window, window];
}

/** 10^9 multiplications and additions. */
export function gflop(layer: LayerCase): number {
  const [N, H, W, C] = layer.input;
  const [, outHeight, outWidth, O] = outputShape(layer);
  if (layer.kind === 'linear') return (2 * N * H * W * C * O) / 1e9;
  const taps = layer.kind === 'conv2d' ? layer.window ** 2 : 1; // stride 2, window 2: one tap an output
  return (2 * N * outHeight * outWidth * C * O * taps) / 1e9;
}

export interface LayerData {
  /** N H W C. */
  readonly input: Float32Array<ArrayBuffer>;
  /** In PyTorch's layout. */
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Whole numbers from -3 to 3, so that sums are exact in float32 whatever their order. */
export function layerData(layer: LayerCase): LayerData {
  const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return {
    input: wholeNumbers(elements(layer.input), 1),
    weight: wholeNumbers(elements(weightShape(layer)), 2),
    bias: wholeNumbers(layer.outputs, 3),
  };
}

function wholeNumbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let h = Math.imul(i + 1, 0x9e3779b9) ^ Math.imul(seed, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
    values[i] = ((h >>> 16) % 7) - 3;
  }
  return values;
}

// [N, H, W, C] -> [N, C, H, W]
export function toChannelsFirst(
  data: Float32Array,
  [N, H, W, C]: readonly number[],
): Float32Array<ArrayBuffer> {
  return swapped(data, N!, H! * W!, C!);
}

// [N, C, H, W], of the shape [N, H, W, C] -> [N, H, W, C]
export function toChannelsLast(
  data: Float32Array,
  [N, H, W, C]: readonly number[],
): Float32Array<ArrayBuffer> {
  return swapped(data, N!, C!, H! * W!);
}

// [N, A, B] -> [N, B, A]
function swapped(data: Float32Array, N: number, A: number, B: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(data.length);
  for (let n = 0; n < N; n++)
    for (let a = 0; a < A; a++)
      for (let b = 0; b < B; b++) out[(n * B + b) * A + a] = data[(n * A + a) * B + b]!;
  return out;
}
