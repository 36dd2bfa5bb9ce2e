// The sum behind one number of a convolution's output, with the numbers of the run: inputs times weights, bias,
// residual, activation. Weights are read as the kernel reads them: packed, with the batch norm folded in.

import type { HostTensor } from '../../../src/index';
import type { NodeInfo } from '../../engine/explore_run';
import { stepOf } from './receptive_field';
import { valueAt } from './slices';

/** Which number: map, row, column, channel of the output. */
export interface At {
  readonly n: number;
  readonly y: number;
  readonly x: number;
  readonly c: number;
}

/** A term of the sum. */
export interface Product {
  /** Input channel. */
  readonly channel: number;
  readonly input: number;
  readonly weight: number;
  readonly product: number;
}

/** A tap of the window: the products of all input channels at one place. */
export interface Tap {
  /** Row and column in the input; outside of it lies padding, which is 0. */
  readonly y: number;
  readonly x: number;
  readonly inside: boolean;
  readonly sum: number;
  readonly products: readonly Product[];
}

export interface ConvSum {
  /** [rows][columns] of the window. */
  readonly taps: readonly (readonly Tap[])[];
  /** Of all products. */
  readonly sum: number;
  /** Of the batch norm, where it is not folded into the weights; else 1. */
  readonly factor: number;
  readonly bias: number;
  /** What the shortcut adds; undefined where there is none. */
  readonly residual: number | undefined;
  /** Whether a ReLU follows. */
  readonly relu: boolean;
  /** factor * sum + bias + residual, through the ReLU. */
  readonly value: number;
}

/** The tensors that the sum needs, by the names of the kernel's bindings. */
export type Operands = Readonly<Partial<Record<'input' | 'weight' | 'bias' | 'add', HostTensor>>>;

/** Labels of these tensors; undefined where a node is no convolution. */
export function operandsOf(node: NodeInfo): { name: keyof Operands; label: string }[] | undefined {
  const names = ['input', 'weight', 'bias', 'add'] as const;
  const found = node.inputs.filter(({ name }) => (names as readonly string[]).includes(name));
  const isSum = found.some(({ name }) => name === 'weight') && stepOf(node) !== undefined;
  return isSum ? found.map(({ name, label }) => ({ name: name as keyof Operands, label })) : undefined;
}

/** What the first convolution reads. */
const PICTURE = 'image';

export function convSum(node: NodeInfo, { input, weight, bias, add }: Operands, at: At): ConvSum {
  const step = stepOf(node);
  if (!step || !input || !weight) throw new Error(`${node.label} is no convolution`);
  const channels = input.shape[3]!;
  const outputs = node.outputs[0]!.shape[3]!;
  const depthwise = node.kernel === 'depthwise_conv2d';
  const groups = depthwise ? channels : channels / (node.params.group_channels ?? channels);
  // the picture is stored with a fourth channel of zeros
  const isPicture = node.inputs.some(({ name, label }) => name === 'input' && label === PICTURE);
  const own = isPicture ? 3 : channels / groups;
  const group = Math.floor(at.c / (outputs / groups));
  const weightOf = depthwise
    ? (tap: number) => weight.data[tap * outputs + at.c]!
    : packedWeight(weight, at.c - group * (outputs / groups), group);
  const taps = range(step.window[0]).map((row) =>
    range(step.window[1]).map((column): Tap => {
      const y = at.y * step.stride - step.padding + row * step.dilation;
      const x = at.x * step.stride - step.padding + column * step.dilation;
      const products = range(own).map((i): Product => {
        const channel = group * own + i;
        const value = valueAt(input, y, x, channel, at.n);
        const factor = weightOf(row * step.window[1] + column, i);
        return { channel, input: value, weight: factor, product: value * factor };
      });
      const inside = y >= 0 && x >= 0 && y < input.shape[1]! && x < input.shape[2]!;
      return { y, x, inside, sum: total(products.map(({ product }) => product)), products };
    }),
  );
  const sum = total(taps.flat().map((tap) => tap.sum));
  const end = biasOf(node, bias, at.c, outputs / groups);
  const residual = add && valueAt(add, at.y, at.x, at.c, at.n);
  const relu = node.params.floor === 0;
  const value = sum * end.factor + end.bias + (residual ?? 0);
  return { taps, sum, ...end, residual, relu, value: relu ? Math.max(value, 0) : value };
}

/** Of packed [G, Y, X, I, O], the last two padded. */
function packedWeight({ shape, data }: HostTensor, output: number, group: number) {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const size = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const tapsInGroup = size / (shape.length === 5 ? shape[0]! : 1);
  return (tap: number, input: number) =>
    data[((group * tapsInGroup + tap) * inputs + input) * outputs + output]!;
}

/** Biases stand group by group, padded; with SCALE a quad of factors before each quad of them. */
function biasOf({ constants }: NodeInfo, bias: HostTensor | undefined, c: number, inGroup: number) {
  if (!bias) return { factor: 1, bias: 0 };
  const padded = 4 * Math.ceil(inGroup / 4);
  const at = Math.floor(c / inGroup) * padded + (c % inGroup);
  if (constants.SCALE !== true) return { factor: 1, bias: bias.data[at]! };
  const quad = 8 * Math.floor(at / 4) + (at % 4);
  return { factor: bias.data[quad]!, bias: bias.data[quad + 4]! };
}

/** The products that matter most, by size. */
export function greatest({ taps }: ConvSum, count: number): (Product & { row: number; column: number })[] {
  const all = taps.flatMap((line, row) =>
    line.flatMap((tap, column) => tap.products.map((product) => ({ ...product, row, column }))),
  );
  return all.sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, count);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
