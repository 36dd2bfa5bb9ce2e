// From a pickle's value to a visitor: the state dict in it, which of its tensors are weights, and their elements in
// row-major order whatever their strides.

import { WeightError } from '../errors';
import { ByteReader } from './byte_reader';
import type { SafetensorsDtype } from './float16';
import { ELEMENT_BYTES, PendingArray, Tensor, type Value } from './pickle_values';
import type { SafetensorsHeader, TensorInfo } from './safetensors_header';

/** A tensor of a file, as the visitor sees it and as it lies there. */
export interface PickledTensor {
  readonly info: TensorInfo;
  readonly tensor: Tensor;
}

export interface PickledWeights {
  readonly header: SafetensorsHeader;
  /** As in the header, in the order of their places in the file. */
  readonly tensors: readonly PickledTensor[];
}

/** Where trainers put the state dict. */
const WRAPPERS = ['state_dict', 'model', 'model_state_dict', 'module', 'blobs', 'weights', 'net', 'params'];
const MAX_WRAPPED = 3;
const MAX_NAME = 1000;
const MAX_TENSORS = 100_000;
const MAX_SPAN_BYTES = 64 << 20; // of a tensor that is not contiguous, with what lies between
const MAX_GROWTH = 8; // bytes of all tensors for each of the file: views may share
const GROWTH_FROM = 1 << 20; // bytes that small files may have in any case
const GATHERED_BYTES = 1 << 20; // handed over at a time

/** The most that may be made of a file of this size, whatever is shared or compressed in it. */
export function mostBytes(size: number): number {
  return Math.max(GROWTH_FROM, MAX_GROWTH * size);
}

/** The weights of a pickle's value; `size` is the file's, `file` its name. Throws WeightError. */
export function pickledWeights(root: Value, file: string, size: number): PickledWeights {
  const found = [...namedTensors(stateDict(root, file))].filter(([, { dtype }]) => isWeight(dtype));
  if (found.length > MAX_TENSORS) throw new WeightError(`${file}: wanted at most ${MAX_TENSORS} tensors`);
  found.sort(([, a], [, b]) => a.raw.place - b.raw.place || a.offset - b.offset);
  const read = found.reduce(
    (sum, [, tensor]) => sum + Math.max(tensor.count, tensor.span) * ELEMENT_BYTES[tensor.dtype],
    0,
  );
  if (read > mostBytes(size)) {
    throw new WeightError(
      `${file}: wanted tensors of the file's ${size} bytes, got ${read} bytes of tensors`,
    );
  }
  let end = 0;
  const tensors = found.map(([name, tensor]): PickledTensor => {
    const begin = end;
    end += tensor.count * ELEMENT_BYTES[tensor.dtype];
    const dtype = tensor.dtype as SafetensorsDtype;
    return { info: { name, dtype, shape: [...tensor.shape], begin, end }, tensor };
  });
  const header = { metadata: metadataOf(root), tensors: tensors.map(({ info }) => info), dataBytes: end };
  return { header, tensors };
}

/** Counters and the like are integers; inference has no use for them. */
function isWeight(dtype: string): dtype is SafetensorsDtype {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** The dict of tensors, at the top or where a trainer wraps it. */
function stateDict(root: Value, file: string): Map<Value, Value> {
  let found: Value | undefined = root;
  for (let depth = 0; depth <= MAX_WRAPPED && found instanceof Map; depth++) {
    const dict: Map<Value, Value> = found;
    const wrapped = WRAPPERS.map((name) => dict.get(name)).find((value) => value instanceof Map);
    if ([...dict.values()].some((value) => tensorOf(value))) return dict;
    found = wrapped;
  }
  const keys = root instanceof Map ? [...root.keys()].slice(0, 5).map((key) => String(key).slice(0, 40)) : [];
  const got = root instanceof Map ? `a dict of ${keys.join(', ') || 'nothing'}` : 'something else';
  throw new WeightError(
    `${file}: wanted a dict of tensors by name, at the top or as ${WRAPPERS.slice(0, 3).join(', ')}; got ${got}`,
  );
}

function* namedTensors(dict: ReadonlyMap<Value, Value>): Generator<[string, Tensor]> {
  for (const [name, value] of dict) {
    const tensor = tensorOf(value);
    if (tensor && typeof name === 'string' && name.length <= MAX_NAME) yield [name, tensor];
  }
}

function tensorOf(value: Value): Tensor | undefined {
  if (value instanceof PendingArray) return value.tensor;
  return value instanceof Tensor ? value : undefined;
}

/** MMDetection writes the names of classes: without a background, which is index 0 here. */
function metadataOf(root: Value): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  const meta = root instanceof Map ? root.get('meta') : undefined;
  if (!(meta instanceof Map)) return metadata;
  const about = meta.get('dataset_meta');
  const classes = [meta, about instanceof Map ? about : new Map()]
    .flatMap((dict) => [dict.get('CLASSES'), dict.get('classes')])
    .find(isNames);
  if (classes) metadata.classes = JSON.stringify(['__background__', ...classes]);
  return metadata;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}

/** The elements of all tensors, one after the other, each in row-major order. */
export async function* elementsOf(
  tensors: readonly PickledTensor[],
  file: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const { info, tensor } of tensors) {
    const name = `${file}: ${info.name}`;
    const bytes = ELEMENT_BYTES[tensor.dtype];
    const [begin, length] = [tensor.offset * bytes, tensor.count * bytes];
    let found = 0;
    const chunks = tensor.contiguous
      ? tensor.raw.slice(begin, begin + length, signal)
      : gathered(tensor, bytes, name, signal);
    for await (const chunk of chunks) {
      found += chunk.length;
      if (chunk.length > 0 && found <= length) yield chunk;
    }
    if (found !== length)
      throw new WeightError(`${name}: wanted ${length} bytes, got ${found}: is the file cut off?`);
  }
}

/** The elements of a tensor that is not contiguous, in row-major order. */
async function* gathered(
  tensor: Tensor,
  bytes: number,
  name: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { raw, offset, shape, strides, count } = tensor;
  if (count === 0) return;
  const span = tensor.span * bytes;
  if (span > MAX_SPAN_BYTES) {
    const advice = 'make it contiguous before it is saved';
    throw new WeightError(
      `${name}: wanted at most ${MAX_SPAN_BYTES} bytes with strides, got ${span}; ${advice}`,
    );
  }
  const reader = new ByteReader({
    name,
    read: () => raw.slice(offset * bytes, offset * bytes + span, signal),
  });
  const from = await reader.take(span);
  if (from.length < span)
    throw new WeightError(`${name}: wanted ${span} bytes, got ${from.length}: is the file cut off?`);
  const to = new Uint8Array(Math.min(GATHERED_BYTES, count * bytes));
  const index = new Array<number>(shape.length).fill(0);
  let [at, filled] = [0, 0]; // an element of `from`, bytes of `to`
  for (let element = 0; element < count; element++) {
    for (let i = 0; i < bytes; i++) to[filled++] = from[at * bytes + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    if (filled < to.length) continue;
    yield to;
    filled = 0;
  }
  yield to.subarray(0, filled);
}
