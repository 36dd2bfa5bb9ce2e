// What a pickle's values become: numbers, texts, null, arrays (lists and tuples), Maps, Sets, and the classes below.
// No object with keys from the file, so no key is special. bytes stay in the file, tensors point to them.

import { WeightError } from '../errors';
import type { Seekable } from './byte_source';

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Value[]
  | Map<Value, Value>
  | Set<Value>
  | Bytes
  | Global
  | DType
  | Storage
  | Tensor
  | PendingArray;

/** Elements that tensors have. */
export type ElementType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Bytes somewhere in a file. */
export interface RawBytes {
  readonly length: number;
  /** Place in the file, by which tensors are read one after the other. */
  readonly place: number;
  slice(begin: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A bytes object, a string of Python 2, or a text too long to be a name. */
export class Bytes implements RawBytes {
  /**
   * `length` bytes of `file` from `place` on. `coding` utf8: each character is one byte, as Python 3 writes bytes
   * for Python 2; `length` is then the most that they can be. `data`: the bytes themselves, where they are few.
   */
  constructor(
    private readonly file: Seekable,
    readonly place: number,
    readonly length: number,
    private readonly coding: 'raw' | 'utf8' = 'raw',
    readonly data?: Uint8Array,
  ) {}

  /** The same, character by character: latin-1. undefined if it is long. */
  text(): string | undefined {
    return this.data && String.fromCharCode(...this.data);
  }

  async *slice(begin: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (this.data) yield this.data.subarray(begin, end);
    else if (this.coding === 'raw') yield* this.file.slice(this.place + begin, this.place + end, signal);
    else {
      let at = 0;
      for await (const part of latin1(this.file.slice(this.place, this.place + this.length, signal))) {
        const wanted = part.subarray(Math.max(0, begin - at), Math.max(0, end - at));
        at += part.length;
        if (wanted.length > 0) yield wanted;
        if (at >= end) return;
      }
    }
  }
}

/** UTF-8 of characters up to 255 -> a byte for each. */
async function* latin1(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let lead = 0;
  for await (const chunk of chunks) {
    const decoded = new Uint8Array(chunk.length);
    let count = 0;
    for (const byte of chunk) {
      if (lead === 0 && byte < 0x80) decoded[count++] = byte;
      else if (lead === 0 && (byte === 0xc2 || byte === 0xc3)) lead = byte;
      else if (lead !== 0 && byte >> 6 === 2) {
        decoded[count++] = ((lead & 3) << 6) | (byte & 0x3f);
        lead = 0;
      } else throw new WeightError(`pickle: wanted bytes as text in latin-1, got the byte ${byte}`);
    }
    yield decoded.subarray(0, count);
  }
}

/** A class or function that the pickle names; it is never looked up. */
export class Global {
  constructor(readonly name: string) {}
}

/** numpy's element type. */
export class DType {
  constructor(
    readonly code: string,
    public order = '|',
  ) {}
}

/** The elements of torch tensors, which several may share. */
export class Storage {
  constructor(
    readonly raw: RawBytes,
    readonly dtype: ElementType,
    /** Elements from its start on. */
    readonly count: number,
    /** Elements before its start, in raw. */
    readonly start = 0,
  ) {}
}

/** numpy's array before its state is known. */
export class PendingArray {
  tensor: Tensor | undefined;
}

export const MAX_AXES = 8;
const MAX_ELEMENTS = 2 ** 31;

/** Elements of a storage at `offset` + the sum of index times stride. */
export class Tensor {
  readonly count: number;

  /** Throws WeightError where elements would lie outside. */
  constructor(
    readonly raw: RawBytes,
    readonly dtype: ElementType,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    available: number,
    file: string,
  ) {
    const fits = [offset, ...shape, ...strides].every((n) => Number.isSafeInteger(n) && n >= 0);
    const what = `${dtype} [${shape}], strides [${strides}], from element ${offset}`;
    if (!fits || shape.length > MAX_AXES || shape.length !== strides.length) {
      const wanted = `at most ${MAX_AXES} axes, each with a size and a stride of at least 0`;
      throw new WeightError(`${file}: wanted a tensor of ${wanted}, got ${what.slice(0, 200)}`);
    }
    this.count = shape.reduce((product, extent) => product * extent, 1);
    if (this.count > MAX_ELEMENTS || (this.count > 0 && offset + this.span > available)) {
      const got = `${what}, of a storage of ${available}`;
      throw new WeightError(`${file}: wanted a tensor within its storage, got ${got.slice(0, 200)}`);
    }
  }

  /** Elements from the first to the last one, with those between. */
  get span(): number {
    return (
      this.count && this.shape.reduce((sum, extent, axis) => sum + (extent - 1) * this.strides[axis]!, 1)
    );
  }

  /** Whether elements follow one another as in row-major order. */
  get contiguous(): boolean {
    let step = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      if (this.shape[axis] !== 1 && this.strides[axis] !== step) return false;
      step *= this.shape[axis]!;
    }
    return true;
  }
}

/** Strides of row-major order, or of column-major if `fortran`. */
export function stridesOf(shape: readonly number[], fortran = false): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = 0; i < shape.length; i++) {
    const axis = fortran ? i : shape.length - 1 - i;
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}
