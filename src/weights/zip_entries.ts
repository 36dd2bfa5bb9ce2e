// The entries of a zip file, as torch.save writes it: their table, and what is compressed, by unzipit; stored bytes,
// which nearly all are, straight from where they lie, so that any part can be had.

import { type Reader, unzipRaw, type ZipEntry } from 'unzipit';
import { WeightError } from '../errors';
import type { Seekable } from './byte_source';
import { readRange } from './pickle_input';
import type { RawBytes } from './pickle_values';
import { mostBytes } from './pickled_tensors';

const MAX_READ_BYTES = 2 << 20; // of the table: 20 000 entries
const MAX_UNPACKED_BYTES = 64 << 20; // of a compressed entry, one at a time
const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** The files in a zip by their names. Throws WeightError where it is malformed, encrypted or overlapping. */
export async function zipEntries(
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, RawBytes>> {
  const wanted = `${name}: wanted a zip file, as torch.save writes it; got a fault`;
  const { entries: found } = await faultsOf(wanted, unzipRaw(readerOf(file, name, signal)), signal);
  checkPlaces(found, file.size, name);
  const inflated = new Inflated(file.size, signal);
  const entries = new Map<string, RawBytes>();
  for (const entry of found) {
    if (entry.isDirectory) continue;
    if (entries.has(entry.name)) throw new WeightError(`${name}: wanted one ${show(entry)}, got two`);
    entries.set(entry.name, rawEntry(file, entry, inflated, name));
  }
  return entries;
}

/** What unzipit reads from, a small part at a time. */
function readerOf(file: Seekable, name: string, signal?: AbortSignal): Reader {
  return {
    getLength: async () => file.size,
    async read(begin, length) {
      if (!(begin >= 0 && length >= 0 && begin + length <= file.size && length <= MAX_READ_BYTES)) {
        const wanted = `${length} bytes at ${begin}, ${MAX_READ_BYTES} at most`;
        throw new WeightError(`${name}: wanted ${wanted}, got a zip of ${file.size}: is it cut off?`);
      }
      return readRange(file, begin, begin + length, name, signal);
    },
  };
}

/** What unzipit comes to; its errors as ours. */
async function faultsOf<T>(wanted: string, pending: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await pending;
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof WeightError) throw cause;
    throw new WeightError(`${wanted}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Where an entry's header lies, of which unzipit has no public field. */
function offsetOf(entry: ZipEntry): number {
  const { _rawEntry } = entry as unknown as { _rawEntry: { relativeOffsetOfLocalHeader: number } };
  return _rawEntry.relativeOffsetOfLocalHeader;
}

/** Each entry must end before the next begins. */
function checkPlaces(entries: readonly ZipEntry[], size: number, name: string): void {
  const sorted = [...entries].sort((a, b) => offsetOf(a) - offsetOf(b));
  sorted.forEach((entry, i) => {
    const end = offsetOf(entry) + LOCAL_HEADER_BYTES + entry.nameBytes.length + entry.compressedSize;
    const next = sorted[i + 1];
    if (end <= (next ? offsetOf(next) : size)) return;
    throw new WeightError(`${name}: wanted entries without overlap, got ${show(entry)}`);
  });
}

function rawEntry(file: Seekable, entry: ZipEntry, inflated: Inflated, name: string): RawBytes {
  const { size, compressionMethod, encrypted } = entry;
  const stored = compressionMethod === STORED;
  if (encrypted || (!stored && compressionMethod !== DEFLATED)) {
    throw new WeightError(`${name}: wanted ${show(entry)} stored or deflated, got it otherwise`);
  }
  let begin: Promise<number> | undefined; // of its bytes; the header in front has a length of its own
  return {
    length: size,
    place: offsetOf(entry),
    async *slice(from, to, signal) {
      if (!stored) yield (await inflated.bytes(entry, `${name}: ${show(entry)}`)).subarray(from, to);
      else {
        begin ??= dataBegin(file, entry, name, signal);
        const at = await begin;
        yield* file.slice(at + from, at + to, signal);
      }
    },
  };
}

async function dataBegin(
  file: Seekable,
  entry: ZipEntry,
  name: string,
  signal?: AbortSignal,
): Promise<number> {
  const offset = offsetOf(entry);
  const header = await readRange(file, offset, offset + LOCAL_HEADER_BYTES, name, signal);
  const view = new DataView(header.buffer);
  const begin = offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== LOCAL_HEADER || begin + entry.size > file.size) {
    throw new WeightError(`${name}: wanted ${show(entry)} at byte ${offset}, got none: is the file damaged?`);
  }
  return begin;
}

/** What is compressed, in memory, one entry at a time: tensors come in the order of their entries. */
class Inflated {
  private last: { entry: ZipEntry; bytes: Promise<Uint8Array> } | undefined;
  private spent = 0;

  constructor(
    private readonly fileSize: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** The entry's bytes. Throws WeightError where there is too much of them. */
  bytes(entry: ZipEntry, who: string): Promise<Uint8Array> {
    if (this.last?.entry === entry) return this.last.bytes;
    this.last = undefined;
    this.spent += entry.size;
    const most = Math.min(MAX_UNPACKED_BYTES, mostBytes(this.fileSize));
    if (entry.size > most || this.spent > mostBytes(this.fileSize)) {
      const wanted = `at most ${most} bytes of a compressed entry, ${mostBytes(this.fileSize)} of all`;
      throw new WeightError(`${who}: wanted ${wanted}, got ${entry.size} of ${this.spent}`);
    }
    const unpacked = entry.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    this.last = { entry, bytes: faultsOf(`${who}: cannot be unpacked`, unpacked, this.signal) };
    return this.last.bytes;
  }
}

function show({ name }: ZipEntry): string {
  return JSON.stringify(name.slice(0, 80));
}
