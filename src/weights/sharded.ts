// A checkpoint in several safetensors files with an index, as Hugging Face's libraries write it:
// { metadata, weight_map: { tensor: file } }, the files beside it.

import { WeightError } from '../errors';
import { ByteReader, untilAborted } from './byte_reader';
import { openSource } from './byte_source';
import {
  type OpenSafetensors,
  openSafetensors,
  type ReadOptions,
  type SafetensorsVisitor,
} from './safetensors';
import { show, type TensorInfo } from './safetensors_header';

const MAX_INDEX_BYTES = 2 << 20;
const MAX_SHARDS = 32; // all are open at a time
const MAX_TENSORS = 50_000; // of all shards
const FILE_NAME = /^[\w.-]+\.safetensors$/;

/** Reads all files that the index lists, one after the other, as if they were one. Throws WeightError. */
export async function readShards(
  index: ByteReader,
  visitor: SafetensorsVisitor,
  { onProgress, signal }: ReadOptions,
): Promise<void> {
  const { source } = index;
  const wanted = parseIndex(await index.take(MAX_INDEX_BYTES), source.name);
  const readers: ByteReader[] = [];
  try {
    const files: OpenSafetensors[] = [];
    for (const shard of new Set(wanted.values())) {
      if (!source.sibling) {
        throw new WeightError(
          `${source.name}: wanted an address or a path, beside which ${shard} is; got neither`,
        );
      }
      const total = () => readers.reduce((sum, reader) => sum + reader.loaded, 0);
      const report = onProgress && (() => onProgress({ loaded: total() }));
      const reader = new ByteReader(await openSource(source.sibling(shard), signal), report, signal);
      readers.push(reader);
      files.push(await openSafetensors(reader));
      const count = files.reduce((sum, { header }) => sum + header.tensors.length, 0);
      if (count > MAX_TENSORS) throw new WeightError(`${source.name}: wanted at most ${MAX_TENSORS} tensors`);
    }
    const { tensors, shifts } = joined(files, source.name);
    checkTensors(tensors, wanted, source.name);
    const metadata = Object.assign(Object.create(null), ...files.map(({ header }) => header.metadata));
    const dataBytes = files.reduce((sum, { header }) => sum + header.dataBytes, 0);
    await untilAborted(visitor.header({ metadata, tensors: [...tensors.values()], dataBytes }), signal);
    for (const file of files) {
      await file.data((tensor, ...piece) => visitor.data(shifts.get(tensor) as TensorInfo, ...piece), signal);
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** The tensors of all files, their places as if the data followed one another. */
function joined(files: readonly OpenSafetensors[], name: string) {
  const tensors = new Map<string, TensorInfo>();
  const shifts = new Map<TensorInfo, TensorInfo>();
  let before = 0;
  for (const { header } of files) {
    for (const tensor of header.tensors) {
      if (tensors.has(tensor.name))
        throw new WeightError(`${name}: wanted ${tensor.name} in one file, got it twice`);
      const shifted = { ...tensor, begin: before + tensor.begin, end: before + tensor.end };
      tensors.set(tensor.name, shifted);
      shifts.set(tensor, shifted);
    }
    before += header.dataBytes;
  }
  return { tensors, shifts };
}

function checkTensors(
  tensors: ReadonlyMap<string, TensorInfo>,
  wanted: ReadonlyMap<string, string>,
  name: string,
): void {
  for (const [tensor, shard] of wanted) {
    const counter = tensor.endsWith('.num_batches_tracked'); // which headers leave out
    if (!tensors.has(tensor) && !counter) {
      throw new WeightError(`${name}: wanted ${tensor.slice(0, 80)} in ${shard}, got none`);
    }
  }
}

/** tensor -> file */
function parseIndex(bytes: Uint8Array, name: string): Map<string, string> {
  let map: unknown;
  try {
    if (bytes.length === MAX_INDEX_BYTES) throw new Error(`it is longer than ${MAX_INDEX_BYTES} bytes`);
    map = (JSON.parse(new TextDecoder().decode(bytes)) as { weight_map?: unknown } | null)?.weight_map;
  } catch (cause) {
    throw new WeightError(`${name}: wanted an index in JSON, got a fault: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new WeightError(
      `${name}: wanted an index with a weight_map, got JSON without; is it the right file?`,
    );
  }
  const entries = Object.entries(map);
  for (const [, file] of entries) {
    if (typeof file !== 'string' || !FILE_NAME.test(file)) {
      throw new WeightError(`${name}: wanted names of .safetensors files, got ${show(file)}`);
    }
  }
  const files = new Set(entries.map(([, file]) => file));
  if (files.size < 1 || files.size > MAX_SHARDS) {
    throw new WeightError(`${name}: wanted an index of 1 to ${MAX_SHARDS} files, got ${files.size}`);
  }
  return new Map(entries as [string, string][]);
}
