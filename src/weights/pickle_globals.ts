// The classes and functions that a pickle may name, and what comes of calling them: those that tensors and plain
// data are made of, as torch.load(weights_only=True) has them, and numpy's. All others are refused by their name.

import { WeightError } from '../errors';
import type { PickleInput } from './pickle_input';
import {
  Bytes,
  DType,
  ELEMENT_BYTES,
  type ElementType,
  Global,
  MAX_AXES,
  PendingArray,
  Storage,
  stridesOf,
  Tensor,
  type Value,
} from './pickle_values';

type Call = (given: Value[], input: PickleInput) => Value;

/** By the type that torch names in persistent ids. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** numpy's element types that are numbers. */
const NUMPY: Readonly<Record<string, ElementType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
};

/** Named and never called, but as an argument. */
const INERT = new Set([
  'numpy.ndarray',
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  ...['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'].map(
    (type) => `torch.${type}`,
  ),
  ...Object.keys(STORAGES).flatMap((name) => [`torch.${name}`, `torch.cuda.${name}`]),
]);

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', dict],
  ['collections.Counter', dict],
  ['builtins.set', set],
  ['builtins.frozenset', set],
  ['builtins.bytes', (_, input) => new Bytes(input.file, 0, 0, 'raw', new Uint8Array(0))],
  ['builtins.bytearray', ([bytes], input) => encode([bytes ?? ''], input)],
  ['_codecs.encode', encode],
  ['torch.Size', ([sizes = []], input) => list(sizes, input)],
  ['torch.device', ([type = '']) => type],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', ([tensor], input) => tensorOf(tensor, input)],
  ['torch._utils._rebuild_parameter_with_state', ([tensor], input) => tensorOf(tensor, input)],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['numpy.dtype', ([code], input) => new DType(textOf(code, input))],
  ['numpy.core.multiarray._reconstruct', () => new PendingArray()],
  ['numpy.core.multiarray.scalar', ([type, bytes], input) => scalar(type!, bytes!, input)],
  ['numpy.core.numeric._frombuffer', fromBuffer],
]);

/** Names that moved: Python 2's modules, and numpy 2's. */
const MOVED: readonly [RegExp, string][] = [
  [/^__builtin__\./, 'builtins.'],
  [/^numpy\._core\./, 'numpy.core.'],
];

/** The global of this name, if it is allowed. Throws WeightError with the name. */
export function globalNamed(found: string, input: PickleInput): Global {
  const name = MOVED.reduce((moved, [old, current]) => moved.replace(old, current), found);
  if (CALLS.has(name) || INERT.has(name)) return new Global(name);
  throw new WeightError(
    `${input.name}: wanted tensors and plain data, got the global '${found.slice(0, 100)}', which is refused; ` +
      'nothing was run. If the file is to be trusted, save only model.state_dict()',
  );
}

/** What `made` is called with. Throws WeightError. */
export function call(made: Value, given: Value, input: PickleInput): Value {
  const name = made instanceof Global ? made.name : 'something that is no function';
  const called = CALLS.get(name);
  if (!called) throw input.fault(`a function that makes tensors or plain data, got a call of ${name}`);
  if (!Array.isArray(given)) throw input.fault(`a tuple of arguments for ${name}`);
  return called(given, input);
}

/** What BUILD does: numpy's arrays and element types have a state; attributes of dicts are passed over. */
export function applyState(value: Value, state: Value, input: PickleInput): void {
  if (value instanceof Map) return; // such as a state dict's _metadata
  const items = Array.isArray(state) ? state : [];
  if (value instanceof DType) {
    value.order = textOf(items[1], input);
  } else if (value instanceof PendingArray) {
    const [, shape, type, fortran, bytes] = items;
    value.tensor = arrayOf(type, shape, fortran === true, bytes, input);
  } else throw input.fault('a state for an array or a dict, got it for something else');
}

const ITEM_BYTES = 64; // about what an item takes in a copy

function set([items = []]: Value[], input: PickleInput): Value {
  const given = list(items, input);
  input.spend(ITEM_BYTES * given.length);
  return new Set(given);
}

function dict([items = []]: Value[], input: PickleInput): Value {
  input.spend(ITEM_BYTES * (items instanceof Map ? items.size : list(items, input).length));
  if (items instanceof Map) return new Map(items);
  const made = new Map<Value, Value>();
  for (const pair of list(items, input)) {
    const [key, value] = list(pair, input);
    if (key === undefined || value === undefined) throw input.fault('pairs of key and value in a dict');
    made.set(key instanceof Bytes ? (key.text() ?? key) : key, value);
  }
  return made;
}

/** latin-1, as Python 3 writes bytes for Python 2. */
function encode([text]: Value[], input: PickleInput): Bytes {
  if (text instanceof Bytes) return text; // a long one, which is in the file
  if (typeof text !== 'string') throw input.fault('a text to encode');
  input.spend(text.length);
  const data = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw input.fault('characters of latin-1 in bytes');
    data[i] = code;
  }
  return new Bytes(input.file, 0, data.length, 'raw', data);
}

function rebuildTensor([storage, offset, shape, strides]: Value[], input: PickleInput): Tensor {
  if (!(storage instanceof Storage)) throw input.fault('a tensor of a storage, got none');
  const { raw, dtype, count, start } = storage;
  const at = Number.isSafeInteger(offset) ? (offset as number) : -1;
  const [sizes, steps] = [counts(shape, input), counts(strides, input)];
  return new Tensor(raw, dtype, start + at - (at < 0 ? start : 0), sizes, steps, start + count, input.name);
}

/** A tensor with attributes of its own, which are passed over. */
function rebuildFromType([made, , given]: Value[], input: PickleInput): Tensor {
  const name = made instanceof Global ? made.name : '';
  if (!name.startsWith('torch._utils.')) throw input.fault(`a function of torch._utils, got '${name}'`);
  return tensorOf(call(made!, given!, input), input);
}

function tensorOf(value: Value | undefined, input: PickleInput): Tensor {
  if (value instanceof Tensor) return value;
  throw input.fault('a parameter of a tensor, got something else');
}

/** Order K: `shape` is that of the buffer, whose axes the array has in another order. */
function fromBuffer([buffer, type, shape, order, axes]: Value[], input: PickleInput): Tensor {
  const inOrder = arrayOf(type, shape, order === 'F', buffer, input);
  if (order !== 'K' || axes === undefined || axes === null) return inOrder;
  const { raw, dtype, shape: sizes, strides, count } = inOrder;
  const permuted = counts(axes, input);
  const whole =
    new Set(permuted).size === sizes.length && permuted.every((axis) => sizes[axis] !== undefined);
  if (!whole || permuted.length !== sizes.length) throw input.fault('an order of all axes of an array');
  const by = (values: readonly number[]) => permuted.map((axis) => values[axis]!);
  return new Tensor(raw, dtype, 0, by(sizes), by(strides), count, input.name);
}

function arrayOf(
  type: Value | undefined,
  shape: Value | undefined,
  fortran: boolean,
  bytes: Value | undefined,
  input: PickleInput,
): Tensor {
  const dtype = elementOf(type, input);
  const raw = rawOf(typeof bytes === 'string' ? encode([bytes], input) : bytes, input);
  const sizes = counts(shape, input);
  const available = raw.length / ELEMENT_BYTES[dtype];
  return new Tensor(raw, dtype, 0, sizes, stridesOf(sizes, fortran), available, input.name);
}

function scalar(type: Value, bytes: Value, input: PickleInput): Value {
  const dtype = elementOf(type, input);
  const data = bytes instanceof Bytes ? bytes.data : undefined;
  if (data?.length !== ELEMENT_BYTES[dtype]) throw input.fault(`a number of ${ELEMENT_BYTES[dtype]} bytes`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (dtype === 'F64') return view.getFloat64(0, true);
  if (dtype === 'F32') return view.getFloat32(0, true);
  if (dtype === 'I64') return view.getBigInt64(0, true);
  if (dtype === 'I32') return view.getInt32(0, true);
  return data[0]!; // of no use for weights
}

function elementOf(type: Value | undefined, input: PickleInput): ElementType {
  const dtype = type instanceof DType && Object.hasOwn(NUMPY, type.code) ? NUMPY[type.code] : undefined;
  if (!dtype || !(type instanceof DType)) {
    throw input.fault(
      `an array of ${Object.keys(NUMPY).join(', ')}, got ${type instanceof DType ? type.code.slice(0, 20) : 'none'}`,
    );
  }
  if (type.order === '>') throw input.fault('little-endian elements, got big-endian ones');
  return dtype;
}

function rawOf(bytes: Value | undefined, input: PickleInput): Bytes {
  if (bytes instanceof Bytes) return bytes;
  throw input.fault('bytes of an array, got something else');
}

function counts(value: Value | undefined, input: PickleInput): number[] {
  const axes = list(value, input).slice(0, MAX_AXES + 1); // more of them Tensor refuses
  return axes.map((count) => (typeof count === 'number' ? count : -1)); // and this too
}

function list(value: Value | undefined, input: PickleInput): Value[] {
  if (Array.isArray(value)) return value;
  throw input.fault('a list or tuple, got something else');
}

function textOf(value: Value | undefined, input: PickleInput): string {
  const text = value instanceof Bytes ? value.text() : value;
  if (typeof text === 'string') return text;
  throw input.fault('a text, got something else');
}

/** The element type of a torch storage's class. */
export function storageType(type: Value | undefined, input: PickleInput): ElementType {
  const name = type instanceof Global ? (type.name.split('.').at(-1) ?? '') : '';
  if (Object.hasOwn(STORAGES, name)) return STORAGES[name]!;
  throw input.fault("a storage's type, such as torch.FloatStorage");
}
