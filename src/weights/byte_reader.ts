// Takes exact counts of bytes from a ByteSource, whatever the sizes of its chunks. Holds one chunk and one scratch
// buffer, never the file.

import { WeightError } from '../errors';
import { type ByteSource, blobSource, describe, type Progress, type Seekable } from './byte_source';
import { explain } from './http';

const EMPTY = new Uint8Array(0);
const PART_BYTES = 8 << 20; // of which a blob is put together

/** Takes exact counts of bytes from a ByteSource. Call close() when done, whatever happened. */
export class ByteReader {
  /** Bytes that the source has handed over. */
  loaded = 0;
  /** Bytes in the file, once known. */
  total: number | undefined;

  private readonly chunks: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = EMPTY; // what is left of the last one
  private scratch = EMPTY; // grows to the largest take() that crosses chunks

  constructor(
    readonly source: ByteSource,
    private readonly onProgress?: (progress: Progress) => void,
    private readonly signal?: AbortSignal,
  ) {
    this.total = source.size;
    this.chunks = source.read(signal)[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, fewer only at the end of the file; valid until the next call. */
  async take(length: number): Promise<Uint8Array> {
    if (this.chunk.length === 0) await this.advance();
    if (this.chunk.length >= length) return this.cut(length);
    if (this.scratch.length < length) this.scratch = new Uint8Array(length);
    let filled = 0;
    do {
      const part = this.cut(length - filled);
      this.scratch.set(part, filled);
      filled += part.length;
    } while (filled < length && (await this.advance()));
    return this.scratch.subarray(0, filled);
  }

  /** A copy of the next `length` bytes, fewer only at the end of the file, which are not taken. */
  async peek(length: number): Promise<Uint8Array> {
    const head = (await this.take(length)).slice();
    const rest = this.chunk;
    if (rest.length === 0) this.chunk = head;
    else {
      this.chunk = new Uint8Array(head.length + rest.length);
      this.chunk.set(head);
      this.chunk.set(rest, head.length);
    }
    return head;
  }

  /**
   * The whole file, to be read from anywhere, and this reader's end; before anything is taken. What can only be
   * had in order is fetched to its end, into a cache if the source has one, else into a Blob.
   */
  async seekable(): Promise<Seekable> {
    const { source, signal } = this;
    const here = await source.seekable?.(signal);
    if (here) {
      await this.close();
      return here;
    }
    let whole = new Blob([]);
    let parts: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    const gather = () => {
      whole = new Blob([whole, ...parts]);
      parts = [];
      bytes = 0;
    };
    do {
      if (!source.keeps) {
        parts.push(this.chunk.slice());
        bytes += this.chunk.length;
        if (bytes >= PART_BYTES) gather(); // out of the heap, where the platform keeps blobs elsewhere
      }
    } while (await this.advance());
    if (!source.keeps) gather();
    const kept = source.keeps ? await source.seekable?.(signal) : await blobSource(whole).seekable?.();
    if (!kept) throw new WeightError(`${source.name}: wanted it in the cache after its download, got none`);
    return kept;
  }

  /** Ends the source's iteration, which lets go of its file or connection. */
  async close(): Promise<void> {
    const closed = (async () => this.chunks.return?.())().catch(() => {}); // the first fault is the one to tell
    if (!this.signal?.aborted) await closed; // after an abort, a read that hangs would hold us here
  }

  /** Up to `length` bytes off the front of the current chunk. */
  private cut(length: number): Uint8Array {
    const part = this.chunk.subarray(0, length);
    this.chunk = this.chunk.subarray(part.length);
    return part;
  }

  /** Replaces an exhausted chunk by the next; false at the end of the file. */
  private async advance(): Promise<boolean> {
    this.chunk = EMPTY; // its memory may be used for the next
    const next = await this.pull();
    if (next.done) return false;
    this.chunk = this.checked(next.value);
    this.loaded += this.chunk.length;
    this.onProgress?.({ loaded: this.loaded, total: this.total });
    this.signal?.throwIfAborted(); // onProgress may have done it
    return true;
  }

  private async pull(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await untilAborted(this.chunks.next(), this.signal);
    } catch (cause) {
      this.signal?.throwIfAborted();
      if (cause instanceof WeightError) throw cause;
      const stop = `reading stopped after ${this.loaded} bytes: ${explain(cause)}`;
      throw new WeightError(`${this.source.name}: ${stop}`, { cause });
    }
  }

  private checked(chunk: Uint8Array): Uint8Array {
    if (chunk instanceof Uint8Array) return chunk;
    throw new WeightError(`${this.source.name}: wanted chunks of Uint8Array, got ${describe(chunk)}`);
  }
}

/** The outcome of `pending`, or the signal's reason as soon as that aborts. */
export function untilAborted<T>(pending: T | Promise<T>, signal?: AbortSignal): T | Promise<T> {
  if (!signal) return pending;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    Promise.resolve(pending)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
