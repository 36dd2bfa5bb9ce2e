// A file that begins with a pickle. Either it is one whole, as detectron2's .pkl, with numpy's arrays in it; or what
// torch.save wrote before PyTorch 1.6, and still does on request (torch/serialization.py, `_legacy_save`):
//
//   pickles    magic number, protocol version, byte order and the like, the object, the keys of its storages
//   storages   in the order of the keys: 8 bytes with the number of elements, and these

import { WeightError } from '../errors';
import type { Seekable } from './byte_source';
import { storageType } from './pickle_globals';
import { PickleInput, readRange } from './pickle_input';
import { ELEMENT_BYTES, type ElementType, type RawBytes, Storage, type Value } from './pickle_values';
import { type PickledWeights, pickledWeights } from './pickled_tensors';
import { unpickle } from './unpickler';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const COUNT_BYTES = 8;

/** The weights in the file. Throws WeightError. */
export async function readPickleFile(
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<PickledWeights> {
  const input = new PickleInput(file, name, 0, signal);
  const first = await unpickle(input);
  if (first === MAGIC) return readLegacy(input, file, name, signal);
  if (input.at !== file.size) {
    throw new WeightError(`${name}: wanted one pickle, got ${file.size - input.at} bytes behind it`);
  }
  return pickledWeights(first, name, file.size);
}

/** A storage's elements, whose place is known only after the pickles. */
class LegacyStorage implements RawBytes {
  place = -1;

  constructor(
    readonly dtype: ElementType,
    readonly count: number,
    private readonly file: Seekable,
  ) {}

  get length(): number {
    return this.count * ELEMENT_BYTES[this.dtype];
  }

  slice(begin: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.file.slice(this.place + begin, this.place + end, signal);
  }
}

async function readLegacy(
  input: PickleInput,
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<PickledWeights> {
  const version = await unpickle(input);
  if (version !== VERSION) throw input.fault(`version ${VERSION} of PyTorch's format, got another`);
  const system = await unpickle(input);
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    throw input.fault('little-endian elements');
  }
  const storages = new Map<string, LegacyStorage>();
  const root = await unpickle(input, (id) => storageOf(id, storages, file, input));
  const keys = await unpickle(input);
  await place(keys, storages, input, file, name, signal);
  return pickledWeights(root, name, file.size);
}

/** ('storage', type, key, place, count, view), where view is None or (key, offset, count). */
function storageOf(
  id: Value,
  storages: Map<string, LegacyStorage>,
  file: Seekable,
  input: PickleInput,
): Storage {
  const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (kind !== 'storage' || typeof key !== 'string' || !isCount(count)) {
    throw input.fault("a persistent id ('storage', type, key, place, count, view)");
  }
  const dtype = storageType(type, input);
  const known = storages.get(key) ?? new LegacyStorage(dtype, count, file);
  if (known.dtype !== dtype || known.count !== count) {
    throw input.fault(`storage ${key.slice(0, 40)} as ${known.count} ${known.dtype}, got it otherwise`);
  }
  storages.set(key, known);
  if (!Array.isArray(view)) return new Storage(known, dtype, count);
  const [, offset, viewed] = view;
  if (!isCount(offset) || !isCount(viewed) || offset + viewed > count) {
    throw input.fault('a view within its storage');
  }
  return new Storage(known, dtype, viewed, offset);
}

function isCount(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Finds each storage behind the pickles, and checks its count. */
async function place(
  keys: Value,
  storages: ReadonlyMap<string, LegacyStorage>,
  input: PickleInput,
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!Array.isArray(keys)) throw input.fault('a list of storages');
  let { at } = input;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || storage.place >= 0) throw input.fault('each storage once in the list of storages');
    storage.place = at + COUNT_BYTES;
    if (storage.place + storage.length > file.size) {
      const wanted = storage.place + storage.length;
      throw new WeightError(
        `${name}: wanted ${wanted} bytes or more, got ${file.size}: is the file cut off?`,
      );
    }
    const head = await readRange(file, at, storage.place, name, signal);
    const count = new DataView(head.buffer).getBigInt64(0, true);
    if (count !== BigInt(storage.count)) {
      throw new WeightError(
        `${name}: wanted ${storage.count} elements at byte ${at}, got a count of ${count}`,
      );
    }
    at = storage.place + storage.length;
  }
  if (at !== file.size) {
    throw new WeightError(
      `${name}: wanted ${at} bytes, got ${file.size}; the last of them belong to no tensor`,
    );
  }
  for (const [key, { place: found }] of storages) {
    if (found < 0) throw input.fault(`storage ${key.slice(0, 40)} in the list of storages`);
  }
}
