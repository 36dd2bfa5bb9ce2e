// Caffe2's two files, from wherever they are, as one safetensors file in memory.

import { WeightError } from '../errors';
import { ByteReader } from './byte_reader';
import type { ByteSource } from './byte_source';
import { readCaffe2 } from './caffe2';
import { sha256Sum } from './checksum';
import { type KnownFiles, type OpenFolder, type OpenOptions, openFile } from './model_source';
import { writeSafetensors } from './write_safetensors';

/** No Caffe2 model of ours comes near; what is in memory must have an end. */
const MAX_BYTES = 1 << 28;
const PART = 1 << 20;

/** Caffe2's files as a safetensors file. `classes`: names by class index. Throws WeightError. */
export async function fromCaffe2(
  { net, init, checksums = [] }: KnownFiles,
  classes: readonly string[],
  options: OpenOptions = {},
  folder?: OpenFolder,
): Promise<Uint8Array<ArrayBuffer>> {
  const { dtype = 'F32', onProgress: _, ...quiet } = options;
  const graph = await readAll(await openFile(net, checksums[0], quiet, folder), quiet);
  const known = sha256Sum(options.sha256) ?? checksums[1];
  const weights = await readAll(await openFile(init, known, options, folder), options); // nearly all of the bytes
  const { tensors, metadata } = readCaffe2(weights, graph, classes);
  const stored = tensors.map((tensor) => (tensor.shape.length > 1 ? { ...tensor, dtype } : tensor)); // biases stay
  return writeSafetensors(stored, metadata);
}

async function readAll(source: ByteSource, { onProgress, signal }: OpenOptions): Promise<Uint8Array> {
  const reader = new ByteReader(source, onProgress, signal);
  try {
    const parts: Uint8Array[] = [];
    for (let part = await reader.take(PART); part.length > 0; part = await reader.take(PART)) {
      parts.push(part.slice());
      if (reader.loaded > MAX_BYTES) {
        throw new WeightError(`${reader.source.name}: wanted at most ${MAX_BYTES} bytes, got more`);
      }
    }
    return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  } finally {
    await reader.close();
  }
}
