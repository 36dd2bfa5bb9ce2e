// Where a checkpoint's bytes come from, made alike: an address, a response, a file, a buffer or a stream of
// one's own becomes a ByteSource.

import { WeightError } from '../errors';
import { fetchSource, responseSource } from './http_source';

/** Something that yields a file's bytes in order. A chunk need only last until the next one is asked for. */
export interface ByteSource {
  /** Names the file in errors. */
  name: string;
  /** Bytes in the file, exact if given. */
  size?: number | undefined;
  /** What is known of the model from elsewhere, such as a table of published ones; the file's own goes over it. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Ends early, or throws the signal's reason, when `signal` aborts. */
  read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The same file, to be read from anywhere; undefined where only its order can be had, or not yet. */
  seekable?(signal?: AbortSignal): Promise<Seekable | undefined>;
  /** Whether `seekable` gives the file once `read` has come to its end. */
  keeps?: boolean;
  /** Another file at the same place, such as a shard. */
  sibling?(name: string): WeightSource;
}

/** Bytes that can be read from anywhere. */
export interface Seekable {
  readonly size: number;
  /** The bytes from `begin` up to `end`, which is at most `size`. */
  slice(begin: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Lets go of the file. */
  close?(): Promise<void>;
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

const BLOB_BYTES = 256 << 10;
const CHUNK_BYTES = 4 << 20; // at which a buffer in memory is cut, so that progress and abort have a say

/** Opens `source`; sends the request if it is an address. Throws WeightError if that fails. */
export async function openSource(source: WeightSource, signal?: AbortSignal): Promise<ByteSource> {
  if (typeof source === 'string' || source instanceof URL) return fetchSource(String(source), { signal });
  if (source instanceof Request) return fetchSource(source.url, { signal, request: source });
  if (source instanceof Response) return responseSource(source.url || 'response', source);
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

/** A blob, of which a File has a name. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const slice: Seekable['slice'] = (begin, end, signal) => blobChunks(blob, begin, end, signal);
  return {
    name,
    size: blob.size,
    read: (signal) => slice(0, blob.size, signal),
    seekable: async () => ({ size: blob.size, slice }),
  };
}

/** A piece at a time, where its stream would read ahead, for the next piece is asked for when this one is done with. */
async function* blobChunks(
  blob: Blob,
  begin: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = begin; at < end; at += BLOB_BYTES) {
    signal?.throwIfAborted();
    yield new Uint8Array(await blob.slice(at, Math.min(end, at + BLOB_BYTES)).arrayBuffer());
  }
}

function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    name: 'buffer',
    size: bytes.length,
    read: () => bufferChunks(bytes),
    seekable: async () => ({
      size: bytes.length,
      slice: (begin, end) => bufferChunks(bytes.subarray(begin, end)),
    }),
  };
}

async function* bufferChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** What a value is, for errors. */
export function describe(value: unknown): string {
  return value === null || typeof value !== 'object'
    ? String(value)
    : (value.constructor?.name ?? 'an object');
}
