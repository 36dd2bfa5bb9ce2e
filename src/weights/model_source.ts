// What `load` takes: a published model's name, an address, a file of any format, Caffe2's two files. All become one
// source, which readWeights reads.

import { type ByteSource, openSource, type Progress, type WeightSource } from './byte_source';
import { type Checksum, sha256Sum } from './checksum';
import { REGISTRY } from './registry';
import type { Folder } from './weight_cache';

/** A Caffe2 model: its graph, model.pb, and its weights, model_init.pb. */
export interface Caffe2Files {
  net: WeightSource;
  init: WeightSource;
}

/** A string is a published model's name, or a URL; one that ends with `/` or `.pb` is a Caffe2 model's. */
export type ModelSource = WeightSource | Caffe2Files;

/** Where files from the network come from, and whether they are kept. */
export interface FetchedOptions {
  /** Address to fetch a published model from, instead of where it was published; of Caffe2's files, their folder's. */
  url?: string | URL | undefined;
  /** The file's SHA-256 in hexadecimal digits, or the first of them; what differs is refused. */
  sha256?: string | undefined;
  /**
   * Keep what comes from the network, and read it from there the next time: in a browser in the origin's private
   * file system, in Node in the user's cache. A file without a checksum is asked for its version each time. Default
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

/** Caffe2's files, and how their checksums begin where these are known. */
export interface KnownFiles extends Caffe2Files {
  checksums?: readonly Checksum[] | undefined;
}

/** The Caffe2 files that `source` stands for, or `url` in its place; undefined where it is something else. */
export function caffe2Files(source: ModelSource, url?: string | URL): KnownFiles | undefined {
  if (typeof source === 'object' && 'net' in source && 'init' in source) return source;
  if (!isAddress(source)) return undefined;
  const published = REGISTRY.get(String(source));
  const [net, init] = published?.urls ?? [];
  const isPair = net !== undefined && init !== undefined;
  if (isPair && url === undefined) return { net, init, checksums: published?.checksums };
  const address = String(url ?? source);
  if (/^(data|blob):/.test(address)) return undefined;
  if (isPair && !/\.[^/]*$/.test(address)) return filesIn(address.replace(/\/?$/, '/'));
  return /(\/|\.pb)$/.test(address) ? filesIn(address.slice(0, address.lastIndexOf('/') + 1)) : undefined;
}

function filesIn(folder: string): Caffe2Files {
  return { net: `${folder}model.pb`, init: `${folder}model_init.pb` };
}

/** The source of any model but Caffe2's; of a published one with what is known of it. Throws WeightError. */
export async function openAddress(
  source: WeightSource,
  options: OpenOptions,
  folder?: OpenFolder,
): Promise<WeightSource> {
  const own = sha256Sum(options.sha256);
  if (!isAddress(source)) return own ? openFile(source, own, options, folder) : source;
  const published = REGISTRY.get(String(source));
  const address = String(options.url ?? published?.urls[0] ?? source);
  const known = options.url === undefined ? published?.checksums[0] : undefined;
  const opened = await openFile(address, own ?? known, options, folder);
  return { ...opened, metadata: publishedMetadata(String(source), absolute(address)) };
}

/** A file, from the cache if it is an address' and there; with its checksum if it is known. */
export async function openFile(
  source: WeightSource,
  checksum: Checksum | undefined,
  options: OpenOptions,
  folder?: OpenFolder,
): Promise<ByteSource> {
  if (!isAddress(source) && !checksum) return openSource(source, options.signal);
  const { checkedSource, openKept } = await import('./kept_files'); // files at hand need none of it
  if (isAddress(source)) return openKept(String(source), absolute(String(source)), checksum, options, folder);
  return checkedSource(await openSource(source, options.signal), checksum!, options.signal);
}

function isAddress(source: ModelSource): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

function absolute(address: string): string {
  const base = globalThis.location?.href;
  return URL.canParse(address, base) ? new URL(address, base).href : address;
}

/** What is known of a published model that is read from `address`; undefined for other names. */
export function publishedMetadata(name: string, address: string): Record<string, string> | undefined {
  const published = REGISTRY.get(name);
  if (!published) return undefined;
  const { architecture, bnEps, licence } = published;
  return { architecture, bn_eps: String(bnEps), licence, source: address };
}
