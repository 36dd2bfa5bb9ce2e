// What comes from the network is kept where the platform has a place for it.

import { browserFolder } from './browser_folder';
import type { ByteSource } from './byte_source';
import { cachedSource } from './cached_source';
import type { Checksum } from './checksum';
import type { FetchedOptions, OpenFolder, OpenOptions } from './model_source';
import { WeightCache } from './weight_cache';

export { checkedSource } from './cached_source';

/** The file at an address, from the cache if it is there. `url`: the same address in full. Throws WeightError. */
export async function openKept(
  address: string,
  url: string,
  checksum: Checksum | undefined,
  options: OpenOptions,
  folder: OpenFolder = browserFolder,
): Promise<ByteSource> {
  const cache = /^https?:/.test(url) ? await cacheOf(options, folder) : undefined;
  return cachedSource(cache || checksum ? url : address, { cache, checksum, signal: options.signal });
}

async function cacheOf(
  { cache = true }: FetchedOptions,
  folder: OpenFolder,
): Promise<WeightCache | undefined> {
  const place = cache ? await folder() : undefined;
  return place && new WeightCache(place, typeof cache === 'object' ? cache.maxBytes : undefined);
}
