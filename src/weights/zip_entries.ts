// The entries of a zip file, as torch.save writes it: their table by @zip.js/zip.js, their bytes straight from where
// they lie, as they are stored without compression. What others have compressed is unpacked within bounds.

import { type Entry, ZipReader } from '@zip.js/zip.js/lib/zip-core-reader.js';
import { WeightError } from '../errors';
import type { Seekable } from './byte_source';
import { streamChunks } from './http_stream';
import { readRange } from './pickle_input';
import type { RawBytes } from './pickle_values';

const MAX_ENTRIES = 100_000;
const MAX_READ_BYTES = 32 << 20; // of the table of entries
const MAX_UNPACKED_BYTES = 64 << 20; // of compressed entries, one at a time
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** The files in a zip by their names. Throws WeightError where it is malformed, encrypted or overlapping. */
export async function zipEntries(
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, RawBytes>> {
  const found: Entry[] = [];
  try {
    const reader = new ZipReader(readerOf(file, name, signal), {
      useWebWorkers: false,
      strictness: 'balanced',
    });
    for await (const entry of reader.getEntriesGenerator()) {
      if (found.push(entry) > MAX_ENTRIES) throw new Error(`more than ${MAX_ENTRIES} entries`);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof WeightError) throw cause;
    const fault = cause instanceof Error ? cause.message : String(cause);
    throw new WeightError(`${name}: wanted a zip file, as torch.save writes it; got a fault: ${fault}`, {
      cause,
    });
  }
  checkPlaces(found, file.size, name);
  const entries = new Map<string, RawBytes>();
  for (const entry of found) {
    if (entry.directory) continue;
    if (entries.has(entry.filename)) throw new WeightError(`${name}: wanted one ${show(entry)}, got two`);
    entries.set(entry.filename, rawEntry(file, entry, name));
  }
  return entries;
}

/** What zip.js reads from: small parts only. */
function readerOf(file: Seekable, name: string, signal?: AbortSignal) {
  return {
    size: file.size,
    async init() {},
    async readUint8Array(begin: number, length: number): Promise<Uint8Array> {
      const end = Math.min(file.size, begin + length);
      if (length > MAX_READ_BYTES) {
        throw new WeightError(`${name}: wanted a table of at most ${MAX_READ_BYTES} bytes, got ${length}`);
      }
      return begin < end ? readRange(file, begin, end, name, signal) : new Uint8Array(0);
    },
    get readable(): ReadableStream {
      throw new WeightError(`${name}: a zip is read in parts only`);
    },
  };
}

/** Each entry must end before the next begins. */
function checkPlaces(entries: readonly Entry[], size: number, name: string): void {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  sorted.forEach((entry, i) => {
    const end = entry.offset + LOCAL_HEADER_BYTES + entry.rawFilename.length + entry.compressedSize;
    const next = sorted[i + 1]?.offset ?? size;
    if (!(end <= next)) throw new WeightError(`${name}: wanted entries without overlap, got ${show(entry)}`);
  });
}

function rawEntry(file: Seekable, entry: Entry, name: string): RawBytes {
  const { offset, compressedSize, uncompressedSize, compressionMethod, encrypted } = entry;
  const stored = compressionMethod === STORED && compressedSize === uncompressedSize;
  if (encrypted || (!stored && compressionMethod !== DEFLATED)) {
    throw new WeightError(`${name}: wanted ${show(entry)} stored or deflated, got it otherwise`);
  }
  let begin: Promise<number> | undefined; // of its bytes; the header in front has a length of its own
  let unpacked: Promise<Uint8Array> | undefined;
  return {
    length: uncompressedSize,
    place: offset,
    async *slice(from, to, signal) {
      begin ??= dataBegin(file, entry, name, signal);
      const at = await begin;
      if (stored) yield* file.slice(at + from, at + to, signal);
      else {
        unpacked ??= inflate(
          file.slice(at, at + compressedSize, signal),
          uncompressedSize,
          `${name}: ${show(entry)}`,
        );
        yield (await unpacked).subarray(from, to);
      }
    },
  };
}

async function dataBegin(file: Seekable, entry: Entry, name: string, signal?: AbortSignal): Promise<number> {
  const header = await readRange(file, entry.offset, entry.offset + LOCAL_HEADER_BYTES, name, signal);
  const view = new DataView(header.buffer);
  const begin = entry.offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== 0x04034b50 || begin + entry.compressedSize > file.size) {
    throw new WeightError(
      `${name}: wanted ${show(entry)} at byte ${entry.offset}, got none: is the file damaged?`,
    );
  }
  return begin;
}

/** Throws WeightError as soon as there is more than `size`. */
async function inflate(chunks: AsyncIterable<Uint8Array>, size: number, who: string): Promise<Uint8Array> {
  if (size > MAX_UNPACKED_BYTES) {
    throw new WeightError(
      `${who}: wanted at most ${MAX_UNPACKED_BYTES} bytes of a compressed entry, got ${size}`,
    );
  }
  const whole = new Uint8Array(size);
  let filled = 0;
  const iterator = chunks[Symbol.asyncIterator]();
  const packed = new ReadableStream<BufferSource>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value.slice()); // chunks may be reused
    },
  });
  try {
    for await (const chunk of streamChunks(packed.pipeThrough(new DecompressionStream('deflate-raw')))) {
      filled += chunk.length;
      if (filled > size) break;
      whole.set(chunk, filled - chunk.length);
    }
  } catch (cause) {
    throw new WeightError(`${who}: cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  if (filled !== size) throw new WeightError(`${who}: wanted ${size} bytes unpacked, got another number`);
  return whole;
}

function show({ filename }: Entry): string {
  return JSON.stringify(filename.slice(0, 80));
}
