// The sum behind one number of a weighted layer's output, with the numbers of the run: inputs times weights, bias,
// residual, activation. Weights are read as the kernel reads them: packed, with the batch norm folded in.

import type { HostTensor } from '../../../src/index';
import type { NodeInfo } from '../../engine/explore_run';
import { valueAt } from './slices';
import { windowOf } from './taps';

/** Which number: map or region, row, column, channel of the output. */
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
  /** Row and column in the input; outside of it lies padding, which is 0. undefined where it meets another pixel. */
  readonly cell: { readonly y: number; readonly x: number } | undefined;
  readonly inside: boolean;
  readonly sum: number;
  readonly products: readonly Product[];
}

export type Activation = 'none' | 'relu' | 'hard_swish';

export interface ConvSum {
  /** [rows][columns] of the window. */
  readonly taps: readonly (readonly Tap[])[];
  /** Input channels of a tap. */
  readonly channels: number;
  /** Of all products. */
  readonly sum: number;
  /** Of the batch norm, where it is not folded into the weights; else 1. */
  readonly factor: number;
  readonly bias: number;
  /** What the shortcut adds; undefined where there is none. */
  readonly residual: number | undefined;
  readonly activation: Activation;
  /** factor * sum + bias + residual, through the activation. */
  readonly value: number;
}

/** The tensors that the sum needs, by the names of the kernel's bindings. */
export type Operands = Readonly<Partial<Record<'input' | 'weight' | 'bias' | 'add', HostTensor>>>;

/** A layer with weights, and where its sum's numbers are. */
export interface Layer {
  /** What is multiplied with what: the node itself, or that of the sum's slices. */
  readonly product: NodeInfo;
  /** What writes the result. */
  readonly node: NodeInfo;
  readonly operands: readonly { readonly name: keyof Operands; readonly label: string }[];
}

/** undefined where a node is no sum of inputs times weights. A long sum may be computed in slices, by two nodes. */
export function layerOf(node: NodeInfo, nodes: readonly NodeInfo[]): Layer | undefined {
  const parts = node.kernel === 'reduce' ? node.inputs.find(({ name }) => name === 'parts') : undefined;
  const product = parts ? nodes.find(({ outputs }) => outputs[0]?.label === parts.label) : node;
  if (!product || (node === product && isSlice(node)) || !windowOf(product)) return undefined;
  const named = (of: NodeInfo, names: readonly (keyof Operands)[]) =>
    of.inputs.flatMap(({ name, label }) => {
      const known = names.find((each) => each === name);
      return known ? [{ name: known, label }] : [];
    });
  const operands = [...named(product, ['input', 'weight']), ...named(node, ['bias', 'add'])];
  return operands.some(({ name }) => name === 'weight') ? { product, node, operands } : undefined;
}

/** Whether a node computes slices of sums that another adds up. */
function isSlice({ kernel, outputs }: NodeInfo): boolean {
  return kernel.startsWith('linear') && outputs[0]?.shape.length === 3;
}

/** What the first convolution reads: its fourth channel is zeros. */
const PICTURE = 'image';

export function convSum(layer: Layer, { input, weight, bias, add }: Operands, at: At): ConvSum {
  const { product, node } = layer;
  const window = windowOf(product);
  if (!window || !input || !weight) throw new Error(`${node.label} is no sum of inputs times weights`);
  const stored = input.shape.at(-1)!;
  const outputs = node.outputs[0]!.shape.at(-1)!;
  const depthwise = product.kernel === 'depthwise_conv2d';
  const groups = depthwise ? stored : stored / (product.params.group_channels ?? stored);
  const isPicture = layer.operands.some(({ name, label }) => name === 'input' && label === PICTURE);
  const channels = isPicture ? 3 : stored / groups;
  const group = Math.floor(at.c / (outputs / groups));
  const weightOf = depthwise
    ? (tap: number) => weight.data[tap * outputs + at.c]!
    : packedWeight(weight, at.c - group * (outputs / groups), group);
  const [height, width] = input.shape.length === 4 ? (input.shape.slice(1, 3) as [number, number]) : [1, 1];
  const taps = range(window.rows).map((row) =>
    range(window.columns).map((column): Tap => {
      const cell = window.cellOf(at, row, column);
      if (!cell) return { cell, inside: false, sum: 0, products: [] };
      const { y, x } = cell;
      const products = range(channels).map((i): Product => {
        const channel = group * channels + i;
        const value = valueAt(input, y, x, channel, at.n);
        const factor = weightOf(row * window.columns + column, i);
        return { channel, input: value, weight: factor, product: value * factor };
      });
      const inside = y >= 0 && x >= 0 && y < height && x < width;
      return { cell, inside, sum: total(products.map(({ product }) => product)), products };
    }),
  );
  const sum = total(taps.flat().map((tap) => tap.sum));
  const end = biasOf(node, bias, at.c, depthwise ? outputs : outputs / groups);
  const residual = add && valueAt(add, at.y, at.x, at.c, at.n);
  const activation = activationOf(node);
  const value = activated(sum * end.factor + end.bias + (residual ?? 0), activation);
  return { taps, channels, sum, ...end, residual, activation, value };
}

function activationOf({ params, constants }: NodeInfo): Activation {
  if (constants.HARD_SWISH === true) return 'hard_swish';
  return params.floor === 0 ? 'relu' : 'none';
}

/** Hard swish: Howard et al. 2019, MobileNetV3 (arXiv:1905.02244), section 5.2. */
function activated(x: number, activation: Activation): number {
  if (activation === 'hard_swish') return (x * Math.min(Math.max(x + 3, 0), 6)) / 6;
  return activation === 'relu' ? Math.max(x, 0) : x;
}

/** Of packed [G, Y, X, I, O], the last two padded. */
function packedWeight({ shape, data }: HostTensor, output: number, group: number) {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const size = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const tapsInGroup = size / (shape.length === 5 ? shape[0]! : 1);
  return (tap: number, input: number) =>
    data[((group * tapsInGroup + tap) * inputs + input) * outputs + output]!;
}

/** Biases stand group by group, padded (of depthwise ones as if one); with SCALE a quad of factors before each quad. */
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
