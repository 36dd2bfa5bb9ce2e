// A single layer as an ONNX file: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, in protobuf's wire format
// (https://protobuf.dev/programming-guides/encoding), of which this writes what that takes.

import { type LayerCase, type LayerData, outputShape, weightShape } from './layer_cases';

const VARINT = 0;
const BYTES = 2;
const FLOAT = 1; // TensorProto.DataType
const [INT, INTS] = [2, 7]; // AttributeProto.AttributeType
const IR_VERSION = 8;
const OPSET = 17;

type Bytes = Uint8Array<ArrayBuffer>;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function joined(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function number(field: number, value: number): Bytes {
  return Uint8Array.from([...varint(field * 8 + VARINT), ...varint(value)]);
}

function bytes(field: number, value: Bytes | string): Bytes {
  const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return joined([Uint8Array.from([...varint(field * 8 + BYTES), ...varint(content.length)]), content]);
}

function message(field: number, ...parts: Bytes[]): Bytes {
  return bytes(field, joined(parts));
}

function initializer(name: string, shape: readonly number[], data: Float32Array<ArrayBuffer>): Bytes {
  const dims = shape.map((extent) => number(1, extent));
  return message(5, ...dims, number(2, FLOAT), bytes(8, name), bytes(9, new Uint8Array(data.buffer)));
}

function value(field: number, name: string, shape: readonly number[]): Bytes {
  const dims = shape.map((extent) => message(1, number(1, extent)));
  return message(field, bytes(1, name), message(2, message(1, number(1, FLOAT), message(2, ...dims))));
}

function attribute(name: string, value: number | readonly number[]): Bytes {
  if (typeof value === 'number') return message(5, bytes(1, name), number(3, value), number(20, INT));
  return message(5, bytes(1, name), ...value.map((item) => number(8, item)), number(20, INTS));
}

/** Shapes of input and output there: channels first, or rows. */
export function onnxShapes(layer: LayerCase): { input: number[]; output: number[] } {
  const [N, H, W, C] = layer.input;
  const [, outHeight, outWidth, O] = outputShape(layer);
  if (layer.kind === 'linear') return { input: [N, C * H * W], output: [N, O] };
  return { input: [N, C, H, W], output: [N, O, outHeight, outWidth] };
}

/** Input `x`, output `y`. */
export function onnxFile(layer: LayerCase, { weight, bias }: LayerData): Uint8Array {
  const { stride, padding } = layer;
  const strides = attribute('strides', [stride, stride]);
  const [operator, ...attributes] = {
    conv2d: ['Conv', strides, attribute('pads', [padding, padding, padding, padding])] as const,
    convTranspose2d: ['ConvTranspose', strides] as const,
    linear: ['Gemm', attribute('transB', 1)] as const,
  }[layer.kind];
  const names = ['x', 'weight', 'bias'].map((name) => bytes(1, name));
  const node = message(1, ...names, bytes(2, 'y'), bytes(4, operator), ...attributes);
  const { input, output } = onnxShapes(layer);
  const graph = message(
    7,
    node,
    bytes(2, layer.name),
    initializer('weight', weightShape(layer), weight),
    initializer('bias', [layer.outputs], bias),
    value(11, 'x', input),
    value(12, 'y', output),
  );
  return joined([number(1, IR_VERSION), graph, message(8, bytes(1, ''), number(2, OPSET))]);
}
