// The truth about large dispatches at a few hundred places of their output, in float64: the definitions of
// tests/reference, one output at a time.

import type { HostData } from '../src/graph/bound_graph';
import type { Node, Tensor } from '../src/graph/graph';
import { sizeOf } from '../src/kernels/kernel';
import { uniform } from '../tests/kernel_case';
import type { Expected } from './subject';

const SAMPLES = 256;
/** Of float32 sums of some thousand products of numbers up to 1, which reach a few dozen. */
const SUMS = { atol: 2e-3, rtol: 1e-4 };
const EXACT = { atol: 0, rtol: 0 };

type Data = ReadonlyMap<Tensor, HostData>;
type Shape4 = [number, number, number, number];
/** An output's value, by its position in [N, H', W', O]. */
type Definition = (n: number, y: number, x: number, o: number) => number;

const DEFINITIONS: Record<
  string,
  { define(node: Node, data: Data): Definition; tolerance: Expected['tolerance'] }
> = {
  conv2d: { define: conv2d, tolerance: SUMS },
  conv2d_workgroup: { define: conv2d, tolerance: SUMS },
  conv_transpose2d: { define: convTranspose2d, tolerance: SUMS },
  linear: { define: linear, tolerance: SUMS },
  linear_workgroup: { define: linear, tolerance: SUMS },
  max_pool2d: { define: maxPool2d, tolerance: EXACT },
  upsample_add: { define: upsampleAdd, tolerance: { atol: 1e-6, rtol: 1e-6 } },
};

/** What the node must write at some places; nothing for kernels that have no definition here. */
export function sampledReference(node: Node, data: Data): Expected[] {
  const known = DEFINITIONS[node.kernel.name];
  const tensor = node.outputs.output;
  if (!known || !tensor) return [];
  const define = known.define(node, data);
  const next = uniform(1);
  const size = sizeOf(tensor);
  const [H, W, O] = shape4(tensor).slice(1) as [number, number, number];
  const indices = Array.from({ length: SAMPLES }, (_, i) => (i === 0 ? size - 1 : Math.floor(next() * size)));
  const values = indices.map((at) =>
    define(Math.floor(at / (H * W * O)), Math.floor(at / (W * O)) % H, Math.floor(at / O) % W, at % O),
  );
  return [{ tensor, values, indices, tolerance: known.tolerance, reference: `float64 at ${SAMPLES} places` }];
}

/** [R, O] as [R, 1, 1, O], [B, R, O] as [B, R, 1, O]. */
function shape4({ shape }: Tensor): Shape4 {
  if (shape.length === 4) return shape as unknown as Shape4;
  if (shape.length === 3) return [shape[0]!, shape[1]!, 1, shape[2]!];
  return [shape[0]!, 1, 1, sizeOf({ shape, dtype: 'f32' }) / shape[0]!];
}

/** What becomes of the sum of output `o`: bias `at` of the packed ones, or a factor and a bias by turns. */
function finisher(
  { inputs, dispatch }: Node,
  data: Data,
): (sum: number, at: number, residual?: number) => number {
  const bias = inputs.bias && data.get(inputs.bias);
  const scaled = dispatch.constants.SCALE === true;
  const floor = dispatch.params.floor as number;
  const turn = (at: number): number => 8 * Math.floor(at / 4) + (at % 4);
  return (sum, at, residual = 0) => {
    const biased = scaled ? sum * bias![turn(at)]! + bias![turn(at) + 4]! : sum + (bias?.[at] ?? 0);
    return Math.max(biased + residual, floor);
  };
}

function conv2d(node: Node, data: Data): Definition {
  const { inputs, dispatch } = node;
  const finish = finisher(node, data);
  const [input, weight] = [data.get(inputs.input!)!, data.get(inputs.weight!)!];
  const add = inputs.add && data.get(inputs.add);
  const [, H, W, C] = shape4(inputs.input!);
  const [G, Y, X, paddedIn, paddedOut] = inputs.weight!.shape as unknown as [...Shape4, number];
  const p = dispatch.params as Record<string, number>;
  const [inGroup, outGroup] = [C / G, p.out_channels! / G];
  return (n, y, x, o) => {
    const [group, within] = [Math.floor(o / outGroup), o % outGroup];
    let sum = 0;
    for (let ky = 0; ky < Y; ky++) {
      for (let kx = 0; kx < X; kx++) {
        const sy = y * p.stride_y! - p.padding_y! + ky * p.dilation_y!;
        const sx = x * p.stride_x! - p.padding_x! + kx * p.dilation_x!;
        if (sy < 0 || sy >= H || sx < 0 || sx >= W) continue;
        const pixel = ((n * H + sy) * W + sx) * C + group * inGroup;
        const tap = ((group * Y + ky) * X + kx) * paddedIn;
        for (let i = 0; i < inGroup; i++) {
          sum += input[pixel + i]! * weight[(tap + i) * paddedOut + within]!;
        }
      }
    }
    const residual = add?.[((n * p.out_height! + y) * p.out_width! + x) * p.out_channels! + o];
    return finish(sum, group * paddedOut + within, residual);
  };
}

function convTranspose2d(node: Node, data: Data): Definition {
  const { inputs, dispatch } = node;
  const finish = finisher(node, data);
  const [input, weight] = [data.get(inputs.input!)!, data.get(inputs.weight!)!];
  const [, H, W, C] = shape4(inputs.input!);
  const [, Y, X, paddedIn, paddedOut] = inputs.weight!.shape as unknown as [...Shape4, number];
  const p = dispatch.params as Record<string, number>;
  return (n, y, x, o) => {
    let sum = 0;
    for (let ky = 0; ky < Y; ky++) {
      for (let kx = 0; kx < X; kx++) {
        const sy = (y + p.padding! - ky * p.dilation!) / p.stride!;
        const sx = (x + p.padding! - kx * p.dilation!) / p.stride!;
        if (!Number.isInteger(sy) || !Number.isInteger(sx)) continue;
        if (sy < 0 || sy >= H || sx < 0 || sx >= W) continue;
        for (let i = 0; i < C; i++) {
          const at = (ky * X + kx) * paddedIn + i;
          sum += input[((n * H + sy) * W + sx) * C + i]! * weight[at * paddedOut + o]!;
        }
      }
    }
    return finish(sum, o);
  };
}

function linear(node: Node, data: Data): Definition {
  const { inputs, dispatch } = node;
  const finish = finisher(node, data);
  const [input, weight] = [data.get(inputs.input!)!, data.get(inputs.weight!)!];
  const add = inputs.add && data.get(inputs.add);
  const p = dispatch.params as Record<string, number>;
  const paddedOut = inputs.weight!.shape.at(-1)!;
  const [, H, W] = shape4(node.outputs.output!);
  return (n, y, x, o) => {
    const position = (n * H + y) * W + x; // a row of a batch, whatever the output's shape
    const [batch, row] = [Math.floor(position / p.rows!), position % p.rows!];
    const from = batch * p.input_stride! + row * p.row_stride!;
    let sum = 0;
    for (let i = 0; i < p.inputs!; i++) {
      sum += input[from + i]! * weight[4 * batch * p.weight_stride! + i * paddedOut + o]!;
    }
    return finish(sum, o, add?.[position * p.outputs! + o]);
  };
}

function maxPool2d({ inputs, dispatch }: Node, data: Data): Definition {
  const input = data.get(inputs.input!)!;
  const [, H, W, C] = shape4(inputs.input!);
  const { window, stride, padding } = dispatch.params as Record<string, number>;
  return (n, y, x, c) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let sy = y * stride! - padding!; sy < y * stride! - padding! + window!; sy++) {
      for (let sx = x * stride! - padding!; sx < x * stride! - padding! + window!; sx++) {
        if (sy < 0 || sy >= H || sx < 0 || sx >= W) continue;
        largest = Math.max(largest, input[((n * H + sy) * W + sx) * C + c]!);
      }
    }
    return largest;
  };
}

function upsampleAdd({ inputs }: Node, data: Data): Definition {
  const [lateral, coarse] = [data.get(inputs.lateral!)!, data.get(inputs.coarse!)!];
  const [, H, W, C] = shape4(inputs.lateral!);
  const [, h, w] = shape4(inputs.coarse!);
  return (n, y, x, c) => {
    const sy = Math.min(Math.floor(Math.fround(y * Math.fround(h / H))), h - 1);
    const sx = Math.min(Math.floor(Math.fround(x * Math.fround(w / W))), w - 1);
    return lateral[((n * H + y) * W + x) * C + c]! + coarse[((n * h + sy) * w + sx) * C + c]!;
  };
}
