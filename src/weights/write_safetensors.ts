// Writes safetensors files, byte for byte as the reference (huggingface/safetensors, `serialize`) lays them out:
// wide elements before narrow ones, so that each is aligned, by name within a dtype, and the header padded with
// spaces to a multiple of 8 bytes.

import { WeightError } from '../errors';
import { DTYPE_BYTES, type SafetensorsDtype, toFloat16 } from './float16';

/** A tensor to write: numbers, to be stored as `dtype`, or elements already so encoded, little-endian. */
export interface TensorData {
  name: string;
  dtype: SafetensorsDtype;
  shape: readonly number[];
  data: Float32Array | Uint8Array;
}

const DTYPE_ORDER: SafetensorsDtype[] = ['F64', 'F32', 'BF16', 'F16', 'U8', 'I8']; // the reference's

/** Where a tensor's bytes are, counted from the start of the data. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Places for these tensors, one after the other. Throws WeightError if a name comes twice. */
export function layOut(tensors: Iterable<Pick<TensorPlace, 'name' | 'dtype' | 'shape'>>): TensorPlace[] {
  const sorted = [...tensors].sort(inOrder);
  let end = 0;
  const names = new Set(['__metadata__']);
  return sorted.map(({ name, dtype, shape }) => {
    if (names.has(name)) {
      throw new WeightError(`writeSafetensors: wanted tensors of different names, got "${name}" again`);
    }
    names.add(name);
    const begin = end;
    end += shape.reduce((product, extent) => product * extent, DTYPE_BYTES[dtype]);
    return { name, dtype, shape, begin, end };
  });
}

function inOrder(a: Pick<TensorPlace, 'name' | 'dtype'>, b: Pick<TensorPlace, 'name' | 'dtype'>): number {
  return DTYPE_ORDER.indexOf(a.dtype) - DTYPE_ORDER.indexOf(b.dtype) || (a.name < b.name ? -1 : 1);
}

/** The header's JSON. Written piece by piece, for a JavaScript object would reorder names that look like integers. */
export function headerJson(
  places: readonly TensorPlace[],
  metadata: Readonly<Record<string, string>>,
): string {
  const members: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  for (const { name, dtype, shape, begin, end } of places) {
    members.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/**
 * The file with these tensors and `metadata`. F32 and F16 (rounded to nearest, ties to even) are made from
 * Float32Array. Throws WeightError if a name comes twice, or data does not fit its dtype and shape.
 */
export function writeSafetensors(
  tensors: Iterable<TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(inOrder);
  const encoded = sorted.map(encode);
  const header = new TextEncoder().encode(headerJson(layOut(sorted), metadata));
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const dataBytes = encoded.reduce((sum, bytes) => sum + bytes.length, 0);

  const file = new Uint8Array(8 + headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + headerBytes); // spaces
  let at = 8 + headerBytes;
  for (const bytes of encoded) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function encode({ name, dtype, shape, data }: TensorData): Uint8Array {
  const bytes = data instanceof Float32Array ? encodeFloats(name, dtype, data) : data;
  const wanted = shape.reduce((product, extent) => product * extent, DTYPE_BYTES[dtype]);
  if (bytes.length !== wanted) {
    const tensor = `${dtype} [${shape.join(', ')}]`;
    throw new WeightError(`${name}: wanted ${wanted} bytes for ${tensor}, got ${bytes.length}`);
  }
  return bytes;
}

function encodeFloats(name: string, dtype: SafetensorsDtype, values: Float32Array): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === 'F16') return new Uint8Array(toFloat16(values).buffer);
  throw new WeightError(`${name}: wanted ${dtype} as bytes, got a Float32Array; round it beforehand`);
}
