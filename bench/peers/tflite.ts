// A single layer as a TensorFlow Lite file: a FlatBuffer of
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
// Fields are given by their places in that schema.

import { type LayerCase, type LayerData, outputShape } from './layer_cases';

type Offset = number;

/** What is used of package flatbuffers. */
export interface FlatBuffers {
  Builder: new (size: number) => Builder;
}

interface Builder {
  startObject(fields: number): void;
  endObject(): Offset;
  addFieldInt8(field: number, value: number, otherwise: number): void;
  addFieldInt32(field: number, value: number, otherwise: number): void;
  addFieldOffset(field: number, value: Offset, otherwise: Offset): void;
  startVector(bytes: number, count: number, alignment: number): void;
  addInt32(value: number): void;
  addOffset(value: Offset): void;
  endVector(): Offset;
  createString(text: string): Offset;
  finish(root: Offset, identifier: string): void;
  asUint8Array(): Uint8Array;
}

/** Codes of operators, and of the kinds of their options. */
const OPERATORS = {
  conv2d: { code: 3, options: 1 }, // CONV_2D, Conv2DOptions
  linear: { code: 9, options: 8 }, // FULLY_CONNECTED, FullyConnectedOptions
  convTranspose2d: { code: 67, options: 49 }, // TRANSPOSE_CONV, TransposeConvOptions
  pad: { code: 34, options: 22 }, // PAD, PadOptions
};
const VALID = 1; // Padding
const [FLOAT32, INT32] = [0, 2]; // TensorType
const SCHEMA_VERSION = 3;

interface TensorRow {
  shape: readonly number[];
  data?: Float32Array | Int32Array;
}

interface OperatorRow {
  operator: keyof typeof OPERATORS;
  inputs: number[];
  output: number;
}

export function tfliteFile(flatbuffers: FlatBuffers, layer: LayerCase, data: LayerData): Uint8Array {
  const { tensors, operators } = network(layer, data);
  const bytes = tensors.reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 1 << 16);
  const b = new flatbuffers.Builder(bytes);
  const codes = operators.map(({ operator }) => {
    b.startObject(4); // OperatorCode
    b.addFieldInt8(0, OPERATORS[operator].code, 0);
    b.addFieldInt32(2, 1, 0);
    b.addFieldInt32(3, OPERATORS[operator].code, 0);
    return b.endObject();
  });
  const buffers = [undefined, ...tensors].map((tensor) => {
    const values = tensor?.data;
    const content = values && alignedBytes(b, values);
    b.startObject(1); // Buffer
    if (content) b.addFieldOffset(0, content, 0);
    return b.endObject();
  });
  const graph = subgraph(b, layer, tensors, operators);
  const [codeList, graphList, bufferList] = [offsets(b, codes), offsets(b, [graph]), offsets(b, buffers)];
  b.startObject(5); // Model
  b.addFieldInt32(0, SCHEMA_VERSION, 0);
  b.addFieldOffset(1, codeList, 0);
  b.addFieldOffset(2, graphList, 0);
  b.addFieldOffset(4, bufferList, 0);
  b.finish(b.endObject(), 'TFL3');
  return b.asUint8Array();
}

/** Tensor 0 is the input, 1 the output. A convolution's padding is an operator of its own: SAME pads otherwise. */
function network(layer: LayerCase, data: LayerData): { tensors: TensorRow[]; operators: OperatorRow[] } {
  const { kind, input, outputs, window, padding } = layer;
  const [N, H, W, C] = input;
  const output = outputShape(layer);
  const weight = { shape: [outputs, window, window, C], data: filter(layer, data.weight) };
  const bias = { shape: [outputs], data: data.bias };
  if (kind === 'linear') {
    const shape = [outputs, C * H * W];
    return {
      tensors: [{ shape: [N, C * H * W] }, { shape: [N, outputs] }, { shape, data: data.weight }, bias],
      operators: [{ operator: 'linear', inputs: [0, 2, 3], output: 1 }],
    };
  }
  const tensors: TensorRow[] = [{ shape: input }, { shape: output }, weight, bias];
  if (kind === 'convTranspose2d') {
    tensors.push({ shape: [4], data: Int32Array.from(output) });
    return { tensors, operators: [{ operator: kind, inputs: [4, 2, 0, 3], output: 1 }] };
  }
  if (padding === 0) return { tensors, operators: [{ operator: kind, inputs: [0, 2, 3], output: 1 }] };
  tensors.push(
    { shape: [4, 2], data: Int32Array.of(0, 0, padding, padding, padding, padding, 0, 0) },
    { shape: [N, H + 2 * padding, W + 2 * padding, C] },
  );
  return {
    tensors,
    operators: [
      { operator: 'pad', inputs: [0, 4], output: 5 },
      { operator: kind, inputs: [5, 2, 3], output: 1 },
    ],
  };
}

// [O, C, Y, X], or transposed [C, O, Y, X] -> [O, Y, X, C]
function filter({ kind, input, outputs, window }: LayerCase, weight: Float32Array): Float32Array {
  const [C, taps] = [input[3], window * window];
  const out = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < C; c++)
      for (let tap = 0; tap < taps; tap++) {
        const from = kind === 'conv2d' ? o * C + c : c * outputs + o;
        out[(o * taps + tap) * C + c] = weight[from * taps + tap]!;
      }
  return out;
}

function subgraph(
  b: Builder,
  layer: LayerCase,
  tensors: readonly TensorRow[],
  operators: readonly OperatorRow[],
): Offset {
  const tensorList = offsets(
    b,
    tensors.map(({ shape, data }, i) => {
      const [extents, name] = [integers(b, shape), b.createString(`tensor${i}`)];
      b.startObject(4); // Tensor
      b.addFieldOffset(0, extents, 0);
      b.addFieldInt8(1, data instanceof Int32Array ? INT32 : FLOAT32, 0);
      b.addFieldInt32(2, data ? i + 1 : 0, 0); // buffer 0 is empty
      b.addFieldOffset(3, name, 0);
      return b.endObject();
    }),
  );
  const operatorList = offsets(
    b,
    operators.map(({ operator, inputs, output }, i) => {
      const [from, to] = [integers(b, inputs), integers(b, [output])];
      const options = optionsOf(b, operator, layer.stride);
      b.startObject(5); // Operator
      b.addFieldInt32(0, i, 0);
      b.addFieldOffset(1, from, 0);
      b.addFieldOffset(2, to, 0);
      b.addFieldInt8(3, OPERATORS[operator].options, 0);
      b.addFieldOffset(4, options, 0);
      return b.endObject();
    }),
  );
  const [inputs, outputs] = [integers(b, [0]), integers(b, [1])];
  b.startObject(5); // SubGraph
  b.addFieldOffset(0, tensorList, 0);
  b.addFieldOffset(1, inputs, 0);
  b.addFieldOffset(2, outputs, 0);
  b.addFieldOffset(3, operatorList, 0);
  return b.endObject();
}

/** Conv2DOptions and TransposeConvOptions begin alike: padding, stride_w, stride_h. The others' defaults do. */
function optionsOf(b: Builder, operator: OperatorRow['operator'], stride: number): Offset {
  b.startObject(6);
  if (operator === 'conv2d' || operator === 'convTranspose2d') {
    b.addFieldInt8(0, VALID, 0);
    b.addFieldInt32(1, stride, 0);
    b.addFieldInt32(2, stride, 0);
  }
  if (operator === 'conv2d') {
    b.addFieldInt32(4, 1, 1); // no dilation
    b.addFieldInt32(5, 1, 1);
  }
  return b.endObject();
}

function offsets(b: Builder, items: readonly Offset[]): Offset {
  b.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) b.addOffset(item);
  return b.endVector();
}

function integers(b: Builder, items: readonly number[]): Offset {
  b.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) b.addInt32(item);
  return b.endVector();
}

/** A vector of bytes that is written as the words that it is made of; data are read in place, so it is aligned. */
function alignedBytes(b: Builder, { buffer, byteOffset, byteLength }: Float32Array | Int32Array): Offset {
  const words = new Int32Array(buffer, byteOffset, byteLength / 4);
  b.startVector(1, byteLength, 16);
  for (let i = words.length - 1; i >= 0; i--) b.addInt32(words[i]!);
  return b.endVector();
}
