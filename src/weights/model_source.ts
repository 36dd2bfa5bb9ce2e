// What `load` takes besides a safetensors file: a published model's name, and Caffe2's two files. They become one
// safetensors file in memory.

import { WeightError } from '../errors';
import { ByteReader } from './byte_reader';
import { openSource, type Progress, type WeightSource } from './byte_source';
import { readCaffe2 } from './caffe2';
import { REGISTRY } from './registry';
import { writeSafetensors } from './write_safetensors';

/** A Caffe2 model: its graph, model.pb, and its weights, model_init.pb. */
export interface Caffe2Files {
  net: WeightSource;
  init: WeightSource;
}

/** A string is a published model's name, or a URL; one that ends with `/` or `.pb` is a Caffe2 model's. */
export type ModelSource = WeightSource | Caffe2Files;

export interface OpenOptions {
  /** What weights become that a checkpoint has as integers. Default F32. */
  dtype?: 'F32' | 'F16' | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** No Caffe2 model of ours comes near; what is in memory must have an end. */
const MAX_BYTES = 1 << 28;

/** The Caffe2 files that `source` stands for, or undefined where it is a safetensors file. */
export function caffe2Files(source: ModelSource): Caffe2Files | undefined {
  if (typeof source === 'object' && 'net' in source && 'init' in source) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return undefined;
  const address = String(source);
  const [net, init] = REGISTRY.get(address)?.urls ?? [];
  if (net !== undefined && init !== undefined) return { net, init };
  if (/^(data|blob):/.test(address) || !/(\/|\.pb)$/.test(address)) return undefined;
  const folder = address.slice(0, address.lastIndexOf('/') + 1);
  return { net: `${folder}model.pb`, init: `${folder}model_init.pb` };
}

/** Caffe2's files as a safetensors file. `classes`: names by class index. Throws WeightError. */
export async function fromCaffe2(
  { net, init }: Caffe2Files,
  classes: readonly string[],
  { dtype = 'F32', onProgress, signal }: OpenOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const graph = await readAll(net, { signal });
  const weights = await readAll(init, { onProgress, signal }); // all but a hundredth of the bytes
  const { tensors, metadata } = readCaffe2(weights, graph, classes);
  const stored = tensors.map((tensor) => (tensor.shape.length > 1 ? { ...tensor, dtype } : tensor)); // biases stay
  return writeSafetensors(stored, metadata);
}

async function readAll(source: WeightSource, { onProgress, signal }: OpenOptions): Promise<Uint8Array> {
  const reader = new ByteReader(await openSource(source, signal), onProgress, signal);
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

const PART = 1 << 20;
