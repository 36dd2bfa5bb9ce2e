// Reads protobuf's wire format (protobuf.dev/programming-guides/encoding): a message is a row of fields, each a
// number with a value. What the numbers mean, the caller knows; groups, long deprecated, are refused.

import { WeightError } from '../errors';

/** Varints as signed 64-bit integers, exact up to 2^53; all else as its bytes, which are a view. */
export type Value = number | Uint8Array;

const VARINT = 0;
/** Bytes of the values whose length is fixed, by wire type. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const LENGTH_DELIMITED = 2;
const MAX_FIELD = 0x1fffffff;

/** The fields of a message in their order. `what` names it in errors. Throws WeightError where it is malformed. */
export function* fields(bytes: Uint8Array, what: string): Generator<[number: number, value: Value]> {
  const reader = new Reader(bytes, what);
  while (reader.at < bytes.length) {
    const key = reader.varint();
    const [number, type] = [Math.floor(key / 8), ((key % 8) + 8) % 8];
    if (number < 1 || number > MAX_FIELD) throw reader.fault(`a field number from 1 on, got ${number}`);
    if (type === VARINT) yield [number, reader.varint()];
    else if (type === LENGTH_DELIMITED) yield [number, reader.take(reader.varint())];
    else if (type in FIXED) yield [number, reader.take(FIXED[type]!)];
    else throw reader.fault(`wire type 0, 1, 2 or 5, got ${type}`);
  }
}

/** The varints of a packed field. */
export function packedVarints(bytes: Uint8Array, what: string): number[] {
  const reader = new Reader(bytes, what);
  const values: number[] = [];
  while (reader.at < bytes.length) values.push(reader.varint());
  return values;
}

/** The float32s of a packed field, or the one of a plain field. */
export function packedFloats(bytes: Uint8Array, what: string): number[] {
  if (bytes.length % 4 !== 0)
    throw new WeightError(`${what}: wanted floats of 4 bytes, got ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

class Reader {
  at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {}

  /** Seven bits a byte, the lowest first; as a signed 64-bit integer. */
  varint(): number {
    let [low, high] = [0, 0]; // 32 bits each
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw this.fault('the rest of a number, got the end: is the file cut off?');
      const bits = byte & 127;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high |= bits >>> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 128) return high * 2 ** 32 + (low >>> 0);
    }
    throw this.fault('a number of at most 10 bytes, got a longer one');
  }

  take(length: number): Uint8Array {
    const left = this.bytes.length - this.at;
    if (!(length >= 0 && length <= left)) {
      throw this.fault(`${length} bytes, got ${left}: is the file cut off?`);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  fault(wanted: string): WeightError {
    return new WeightError(`${this.what}, byte ${this.at}: wanted ${wanted}`);
  }
}
