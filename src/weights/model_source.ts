// What `load` takes: a published model's name, an address, a file of any format, Caffe2's two files. All become one
// source, which readWeights reads.

import { WeightError } from '../errors';
import { browserFolder } from './browser_folder';
import { ByteReader } from './byte_reader';
import { openSource, type Progress, type WeightSource } from './byte_source';
import { cachedSource } from './cached_source';
import { REGISTRY } from './registry';
import { type Folder, WeightCache } from './weight_cache';
import { writeSafetensors } from './write_safetensors';

/** A Caffe2 model: its graph, model.pb, and its weights, model_init.pb. */
export interface Caffe2Files {
  net: WeightSource;
  init: WeightSource;
}

/** A string is a published model's name, or a URL; one that ends with `/` or `.pb` is a Caffe2 model's. */
export type ModelSource = WeightSource | Caffe2Files;

/** Where files from the network come from, and whether they are kept. */
export interface FetchedOptions {
  /** Address to fetch a published model from, instead of where it was published. */
  url?: string | URL | undefined;
  /** The file's SHA-256 in hexadecimal digits, or the first of them; what differs is refused. */
  sha256?: string | undefined;
  /**
   * Keep what comes from the network, and read it from there the next time: in a browser in the origin's private
   * file system, in Node in the user's cache. A file without `sha256` is asked for its version each time. Default
   * true, up to 4 GiB, the least recently used given up first.
   */
  cache?: boolean | { maxBytes: number } | undefined;
}

export interface OpenOptions extends FetchedOptions {
  /** What weights become that a Caffe2 model has as integers. Default F32. */
  dtype?: 'F32' | 'F16' | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Makes the folder in which files are kept, if there is one. */
export type OpenFolder = () => Promise<Folder | undefined>;

/** No Caffe2 model of ours comes near; what is in memory must have an end. */
const MAX_BYTES = 1 << 28;
const PART = 1 << 20;

/** The Caffe2 files that `source` stands for, or undefined where it is something else. */
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

/** The source of any model but Caffe2's; of a published one with what is known of it. Throws WeightError. */
export async function openAddress(
  source: WeightSource,
  options: OpenOptions,
  folder: OpenFolder = browserFolder,
): Promise<WeightSource> {
  if (typeof source !== 'string' && !(source instanceof URL)) return source;
  const published = REGISTRY.get(String(source));
  const address = String(options.url ?? published?.urls[0] ?? source);
  const url = URL.canParse(address, globalThis.location?.href)
    ? new URL(address, globalThis.location?.href).href
    : address;
  const { signal, sha256 = options.url === undefined ? published?.sha256 : undefined } = options;
  const kept = /^https?:/.test(url) ? await cacheOf(options, folder) : undefined;
  const opened = await cachedSource(kept || sha256 ? url : address, { cache: kept, sha256, signal });
  return { ...opened, metadata: publishedMetadata(String(source), url) };
}

/** What is known of a published model that is read from `address`; undefined for other names. */
export function publishedMetadata(name: string, address: string): Record<string, string> | undefined {
  const published = REGISTRY.get(name);
  if (!published) return undefined;
  const { architecture, bnEps, licence } = published;
  return { architecture, bn_eps: String(bnEps), licence, source: address };
}

async function cacheOf(
  { cache = true }: FetchedOptions,
  folder: OpenFolder,
): Promise<WeightCache | undefined> {
  const place = cache ? await folder() : undefined;
  return place && new WeightCache(place, typeof cache === 'object' ? cache.maxBytes : undefined);
}

/** Caffe2's files as a safetensors file. `classes`: names by class index. Throws WeightError. */
export async function fromCaffe2(
  { net, init }: Caffe2Files,
  classes: readonly string[],
  options: OpenOptions = {},
  folder?: OpenFolder,
): Promise<Uint8Array<ArrayBuffer>> {
  const { dtype = 'F32', onProgress: _, ...quiet } = options;
  const graph = await readAll(await openAddress(net, quiet, folder), quiet);
  const weights = await readAll(await openAddress(init, options, folder), options); // all but a hundredth of the bytes
  const { readCaffe2 } = await import('./caffe2'); // few need it
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
