// What torch.save writes since PyTorch 1.6: a zip of data.pkl, a pickle of all but the elements, and data/KEY, the
// elements of each storage (torch/serialization.py, `_save`).

import { WeightError } from '../errors';
import type { Seekable } from './byte_source';
import { storageType } from './pickle_globals';
import { PickleInput, readRange } from './pickle_input';
import { ELEMENT_BYTES, type RawBytes, Storage, type Value } from './pickle_values';
import { type PickledWeights, pickledWeights } from './pickled_tensors';
import { unpickle } from './unpickler';
import { zipEntries } from './zip_entries';

const PICKLE = /^(.*\/)?data\.pkl$/;
const MAX_PICKLE_BYTES = 16 << 20;

/** The weights in a zip of PyTorch's. Throws WeightError. */
export async function readTorchZip(
  file: Seekable,
  name: string,
  signal?: AbortSignal,
): Promise<PickledWeights> {
  const entries = await zipEntries(file, name, signal);
  const path = [...entries.keys()].find((entry) => PICKLE.test(entry));
  if (path === undefined) {
    throw new WeightError(`${name}: wanted a zip with data.pkl, as torch.save writes it, got one without`);
  }
  const folder = path.slice(0, -'data.pkl'.length);
  await checkByteOrder(entries.get(`${folder}byteorder`), name);
  const pickle = await whole(entries.get(path)!, name);
  const input = new PickleInput(pickle, name, 0, signal);
  const storages = new Map<string, Storage>();
  const load = (id: Value): Value => {
    const [kind, type, key, , count] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || typeof key !== 'string' || !Number.isSafeInteger(count)) {
      throw input.fault("a persistent id ('storage', type, key, place, count)");
    }
    const dtype = storageType(type, input);
    const known = storages.get(key);
    if (known?.dtype === dtype) return known;
    const raw = entries.get(`${folder}data/${key}`);
    const bytes = (count as number) * ELEMENT_BYTES[dtype];
    if (!raw || bytes > raw.length || bytes < 0) {
      const got = raw ? `${raw.length} bytes` : 'none';
      throw new WeightError(`${name}: wanted storage ${key.slice(0, 40)} of ${count} ${dtype}, got ${got}`);
    }
    const storage = new Storage(raw, dtype, count as number);
    storages.set(key, storage);
    return storage;
  };
  return pickledWeights(await unpickle(input, load), name, file.size);
}

/** data.pkl in memory, which is small beside the elements. */
async function whole(raw: RawBytes, name: string): Promise<Seekable> {
  if (raw.length > MAX_PICKLE_BYTES) {
    throw new WeightError(`${name}: wanted data.pkl of at most ${MAX_PICKLE_BYTES} bytes, got ${raw.length}`);
  }
  const bytes = await readRange(raw, 0, raw.length, name);
  return {
    size: bytes.length,
    async *slice(begin, end) {
      yield bytes.subarray(begin, end);
    },
  };
}

async function checkByteOrder(raw: RawBytes | undefined, name: string): Promise<void> {
  if (!raw) return;
  const order = new TextDecoder().decode(await readRange(raw, 0, Math.min(raw.length, 16), name));
  if (order !== 'little') throw new WeightError(`${name}: wanted little-endian elements, got '${order}'`);
}
