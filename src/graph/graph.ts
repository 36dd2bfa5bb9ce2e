// Records what to compute: kernels as nodes, tensors between them. Needs no device.
//
// A node's label is its layer's name in the checkpoint (`backbone.body.layer1.0.conv1`); nodes without
// weights have a name beside those of their neighbours (`backbone.body.maxpool`, `rpn.nms_mask`).

import { ShapeError } from '../errors';
import { bytesOf, type Dispatch, describe, type Kernel, sizeOf, type TensorSpec } from '../kernels/kernel';
import type { PackWeightAttributes } from '../kernels/pack_weight';

/** A tensor of the graph: what a node writes, or what is put there before the run. */
export interface Tensor extends TensorSpec {
  readonly label: string;
  /** node: written by a node. input: given for each picture. constant: given once. weight: from the checkpoint. */
  readonly origin: 'node' | 'input' | 'constant' | 'weight';
}

/** One dispatch. Inputs and outputs by the names of the kernel's bindings. */
export interface Node {
  readonly label: string;
  // biome-ignore lint/suspicious/noExplicitAny: nodes of all kernels stand in one list
  readonly kernel: Kernel<any, any>;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly dispatch: Dispatch;
}

/** The vectors of a batch norm that follow from training data. */
export const STATISTICS = ['running_mean', 'running_var'] as const;

/** The names of a batch norm's vectors in a checkpoint; `affine`: without its statistics. */
export function normVectors(norm: string, affine: boolean): string[] {
  return ['weight', 'bias', ...(affine ? [] : STATISTICS)].map((part) => `${norm}.${part}`);
}

/** What a layer takes from the checkpoint, and the two packed tensors that become of it. */
export interface LayerWeights {
  /** Tensor names in the checkpoint. */
  readonly weight: string;
  readonly bias?: string | undefined;
  /** Prefix of a batch norm's vectors, folded into weight and bias. */
  readonly norm?: string | undefined;
  /** Whether the norm has only weight and bias, and no statistics. */
  readonly affine: boolean;
  readonly pack: PackWeightAttributes;
  readonly packedWeight: Tensor;
  readonly packedBias?: Tensor | undefined;
  /** Whether the norm's factors stand before the biases, quad by quad, instead of being folded into the weight. */
  readonly scaled: boolean;
}

/** A tensor made of others, which their nodes write straight into their places. */
export interface Concatenation {
  readonly whole: Tensor;
  /** Offsets in bytes. */
  readonly parts: readonly { readonly tensor: Tensor; readonly offset: number }[];
}

/** Parts of a concatenation begin at multiples of this many bytes: what bindings ask for. */
const PART_ALIGNMENT = 256;

export class Graph {
  /** `shaders`: texts that take the place of kernels' own, by the kernels' names. */
  constructor(private readonly shaders: Readonly<Record<string, string>> = {}) {}

  readonly nodes: Node[] = [];
  readonly inputs: Tensor[] = [];
  readonly constants = new Map<Tensor, Float32Array | Uint32Array>();
  readonly layers = new Map<string, LayerWeights>();
  readonly concatenations: Concatenation[] = [];

  /** A tensor that is given anew for each picture. */
  input(label: string, spec: TensorSpec): Tensor {
    const tensor: Tensor = { ...spec, label, origin: 'input' };
    this.inputs.push(tensor);
    return tensor;
  }

  /** A small table that depends on the picture's size only. */
  constant(label: string, shape: number[], data: Float32Array | Uint32Array): Tensor {
    const dtype = data instanceof Float32Array ? 'f32' : 'u32';
    const tensor: Tensor = { shape, dtype, label, origin: 'constant' };
    if (sizeOf(tensor) !== data.length) {
      throw new ShapeError(`${label}: wanted ${describe(tensor)}; got ${data.length} numbers`);
    }
    this.constants.set(tensor, data);
    return tensor;
  }

  /** Records one dispatch of `kernel` and returns the tensors that it writes, by binding name. */
  apply<I extends object, A, O extends string>(
    label: string,
    kernel: Kernel<I, A>,
    inputs: { [name in keyof I]: I[name] extends TensorSpec ? Tensor : Tensor | undefined },
    attributes: A,
    // the names of the outputs, which only the type checker needs
    ..._names: O[]
  ): Record<O, Tensor> {
    const dispatch = kernel.dispatch(inputs as unknown as I, attributes);
    const outputs: Record<string, Tensor> = {};
    for (const [name, spec] of Object.entries(dispatch.outputs)) {
      const suffix = Object.keys(dispatch.outputs).length > 1 ? `.${name}` : '';
      outputs[name] = { ...spec, label: label + suffix, origin: 'node' };
    }
    const bound = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor));
    const source = this.shaders[kernel.name];
    const shader = source === undefined ? kernel : { ...kernel, source };
    this.nodes.push({
      label,
      kernel: shader,
      inputs: bound as Record<string, Tensor>,
      outputs,
      dispatch,
    });
    return outputs as Record<O, Tensor>;
  }

  /**
   * One tensor that holds `tensors` one after the other, and where each begins (in elements). No copy. It is flat
   * and may have gaps, unless a `shape` is given: then the parts must fill it.
   */
  concat(
    label: string,
    tensors: readonly Tensor[],
    shape?: readonly number[],
  ): { whole: Tensor; offsets: number[] } {
    const dtype = tensors[0]?.dtype ?? 'f32';
    const elementBytes = bytesOf({ shape: [1], dtype });
    let end = 0;
    const parts = tensors.map((tensor) => {
      const offset = Math.ceil(end / PART_ALIGNMENT) * PART_ALIGNMENT;
      end = offset + bytesOf(tensor);
      return { tensor, offset };
    });
    const whole: Tensor = { shape: shape ?? [end / elementBytes], dtype, label, origin: 'node' };
    if (bytesOf(whole) !== end) {
      throw new ShapeError(`${label}: wanted parts that fill ${describe(whole)}; got ${end} bytes`);
    }
    this.concatenations.push({ whole, parts });
    return { whole, offsets: parts.map(({ offset }) => offset / elementBytes) };
  }

  /** The tensor that holds exactly these, in this order, and where each begins (in elements). */
  wholeOf(tensors: readonly Tensor[]): { whole: Tensor; offsets: number[] } | undefined {
    const found = this.concatenations.find(
      ({ parts }) => parts.length === tensors.length && parts.every(({ tensor }, i) => tensor === tensors[i]),
    );
    if (!found) return undefined;
    const elementBytes = bytesOf({ shape: [1], dtype: found.whole.dtype });
    return { whole: found.whole, offsets: found.parts.map(({ offset }) => offset / elementBytes) };
  }

  /** A part of a tensor, from element `offset` on. No copy. */
  slice(label: string, whole: Tensor, offset: number, shape: readonly number[]): Tensor {
    const tensor: Tensor = { ...whole, shape, label };
    const bytes = bytesOf({ shape: [offset], dtype: whole.dtype });
    if (bytes % PART_ALIGNMENT !== 0 || bytes + bytesOf(tensor) > bytesOf(whole)) {
      throw new ShapeError(
        `${label}: wanted a part of ${describe(whole)}; got ${describe(tensor)} at ${offset}`,
      );
    }
    this.concatenations.push({ whole, parts: [{ tensor, offset: bytes }] });
    return tensor;
  }

  /** The tensor that nodes wrote under this label. Throws with the nearest labels where there is none. */
  find(label: string): Tensor {
    const wholes = this.concatenations.map(({ whole }) => whole);
    const all = [...this.nodes.flatMap((node) => Object.values(node.outputs)), ...wholes];
    const found = all.find((tensor) => tensor.label === label);
    if (found) return found;
    const last = label.split('.').at(-1) as string;
    const near = all.map((tensor) => tensor.label).filter((other) => other.includes(last));
    throw new ShapeError(`no node is labelled '${label}'; near it: ${near.slice(0, 5).join(', ') || 'none'}`);
  }

  /** Multiply-adds of all nodes. */
  get macs(): number {
    return this.nodes.reduce((sum, node) => sum + node.dispatch.macs, 0);
  }
}
