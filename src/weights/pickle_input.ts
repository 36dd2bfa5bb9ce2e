// The bytes of a pickle, a window of them in memory at a time. What is large is passed over and remembered by its
// place.

import { WeightError } from '../errors';
import type { Seekable } from './byte_source';

const WINDOW_BYTES = 256 << 10;
const MAX_SPENT_BYTES = 16 << 20;

export class PickleInput {
  private window = new Uint8Array(0);
  private start = 0; // of the window, in the file
  private cursor = 0; // in the window
  private spent = 0;

  /** From byte `begin` of `file` on; `name` is the file's in errors. */
  constructor(
    readonly file: Seekable,
    readonly name: string,
    begin = 0,
    private readonly signal?: AbortSignal,
  ) {
    this.start = begin;
  }

  /** The place of the next byte in the file. */
  get at(): number {
    return this.start + this.cursor;
  }

  /** How many bytes can be taken without waiting. */
  get ready(): number {
    return this.window.length - this.cursor;
  }

  /** Waits until `count` bytes are ready. Throws WeightError where the file has fewer. */
  async need(count: number): Promise<void> {
    if (this.ready >= count) return;
    const { at, file } = this;
    if (count > file.size - at) {
      throw this.fault(`${count} bytes, got ${Math.max(0, file.size - at)}: is the file cut off?`);
    }
    this.window = await readRange(
      file,
      at,
      Math.min(file.size, at + Math.max(count, WINDOW_BYTES)),
      this.name,
      this.signal,
    );
    this.start = at;
    this.cursor = 0;
  }

  /** Makes ready what is cheap to have: a window, or the rest of the file. */
  async fill(count: number): Promise<void> {
    const wanted = Math.min(count, this.file.size - this.at);
    if (this.ready < wanted) await this.need(wanted);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** The next `count` bytes, which are ready; a view. */
  take(count: number): Uint8Array {
    if (count > this.ready) throw this.fault(`${count} bytes, got ${this.ready}: is the file cut off?`);
    this.cursor += count;
    return this.window.subarray(this.cursor - count, this.cursor);
  }

  /** An unsigned little-endian integer of `size` bytes, which are ready. */
  unsigned(size: 1 | 2 | 4 | 8): number {
    const bytes = this.take(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[i]!;
    if (!Number.isSafeInteger(value)) throw this.fault(`a count below 2^53, got ${value}`);
    return value;
  }

  /** Passes over the next `count` bytes; returns where they begin. */
  skip(count: number): number {
    const begin = this.at;
    if (count > this.file.size - begin) {
      throw this.fault(`${count} bytes, got ${this.file.size - begin}: is the file cut off?`);
    }
    if (count <= this.ready) this.cursor += count;
    else {
      this.window = new Uint8Array(0);
      this.start = begin + count;
      this.cursor = 0;
    }
    return begin;
  }

  /** Counts memory that values take beyond their opcodes. Throws WeightError where that gets too much. */
  spend(bytes: number): void {
    this.spent += bytes;
    if (this.spent > MAX_SPENT_BYTES) {
      throw this.fault(`at most ${MAX_SPENT_BYTES} bytes of texts, numbers and copies, got more`);
    }
  }

  fault(wanted: string): WeightError {
    return new WeightError(`${this.name}: byte ${this.at} of the pickle: wanted ${wanted}`);
  }
}

/** A part of a file in memory. Throws WeightError where the file ends before. */
export async function readRange(
  file: Pick<Seekable, 'slice'>,
  begin: number,
  end: number,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(end - begin);
  let filled = 0;
  for await (const chunk of file.slice(begin, end, signal)) {
    whole.set(chunk.subarray(0, whole.length - filled), filled);
    filled += chunk.length;
  }
  if (filled < whole.length) {
    throw new WeightError(`${name}: wanted ${whole.length} bytes at ${begin}, got ${filled}: is it cut off?`);
  }
  return whole;
}
