// Where a checkpoint's bytes come from, made alike: an address, a response, a file, a buffer or a stream of
// one's own becomes a ByteSource, and a ByteReader takes exact counts of bytes from it, whatever the sizes of
// its chunks. It holds one chunk and one scratch buffer, never the file.

import { WeightError } from '../errors';

/** Something that yields a file's bytes in order. A chunk need only last until the next one is asked for. */
export interface ByteSource {
  /** Names the file in errors. */
  name: string;
  /** Bytes in the file, exact if given. */
  size?: number;
  /** Ends early, or throws the signal's reason, when `signal` aborts. */
  read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What weights are read from; a string is a URL. */
export type WeightSource =
  | string
  | URL
  | Request
  | Response
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | ByteSource;

/** Bytes read so far, and in the whole file once that is known. */
export interface Progress {
  loaded: number;
  total?: number;
}

const CHUNK_BYTES = 4 << 20; // at which a buffer in memory is cut, so that progress and abort have a say
const NAME_LENGTH = 200; // shown of an address; a data: URL holds the whole file
const EMPTY = new Uint8Array(0);

/** Opens `source`; sends the request if it is an address. Throws WeightError if that fails. */
export async function openSource(source: WeightSource, signal?: AbortSignal): Promise<ByteSource> {
  if (typeof source === 'string' || source instanceof URL) return fetchSource(String(source), source, signal);
  if (source instanceof Request) return fetchSource(source.url, source, signal);
  if (source instanceof Response) return responseSource(shorten(source.url) || 'response', source);
  if (source instanceof Blob) return blobSource(source);
  if (source instanceof ArrayBuffer) return bufferSource(new Uint8Array(source));
  if (ArrayBuffer.isView(source)) {
    return bufferSource(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }
  if (typeof source?.read === 'function') return source;
  throw new WeightError(
    `weights: wanted a URL, Request, Response, Blob, ArrayBuffer, view or ByteSource, got ${describe(source)}`,
  );
}

async function fetchSource(url: string, input: RequestInfo | URL, signal?: AbortSignal): Promise<ByteSource> {
  const name = shorten(url);
  let response: Response;
  try {
    response = await fetch(input, signal ? { signal } : undefined);
  } catch (cause) {
    signal?.throwIfAborted();
    const advice = 'check the address, the network and, in a browser, that the server allows this origin';
    throw new WeightError(`${name}: no answer: ${explain(cause)}; ${advice}`, { cause });
  }
  return responseSource(name, response);
}

async function responseSource(name: string, response: Response): Promise<ByteSource> {
  if (!response.ok) {
    await response.body?.cancel();
    const status = `${response.status} ${response.statusText}`.trim();
    throw new WeightError(`${name}: wanted HTTP status 200 to 299, got ${status}; check the address`);
  }
  if (response.bodyUsed) throw new WeightError(`${name}: wanted an unread Response, got one already read`);
  const { body } = response;
  return {
    name,
    size: contentLength(response),
    read: (signal) => (body ? streamChunks(body, signal) : bufferChunks(EMPTY)),
  };
}

/** The body's length in bytes, where the header can be trusted with it. */
function contentLength(response: Response): number | undefined {
  // It counts compressed bytes if there is an encoding, and another origin's encoding may be hidden from us.
  if (response.type === 'cors' || response.headers.has('content-encoding')) return undefined;
  const header = response.headers.get('content-length');
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

function blobSource(blob: Blob): ByteSource {
  const name = 'name' in blob ? String(blob.name) : 'blob'; // a File has a name
  return { name, size: blob.size, read: (signal) => streamChunks(blob.stream(), signal) };
}

function bufferSource(bytes: Uint8Array): ByteSource {
  return { name: 'buffer', size: bytes.length, read: () => bufferChunks(bytes) };
}

async function* bufferChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** The stream's chunks; cancels it when left early or aborted. */
async function* streamChunks(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const cancel = () => reader.cancel(signal?.reason).catch(() => {}); // fails only where it already failed
  signal?.addEventListener('abort', cancel);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal?.removeEventListener('abort', cancel);
    await cancel();
  }
}

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

function shorten(name: string): string {
  return name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name;
}

/** An error's message with its cause's, since fetch tells what went wrong only there. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

function describe(value: unknown): string {
  return value === null || typeof value !== 'object'
    ? String(value)
    : (value.constructor?.name ?? 'an object');
}
