// A file at an address that is fetched once, and read from the cache from then on. What was fetched when a download
// ended early is where the next one begins.

import type { ByteSource } from './byte_source';
import { type Checksum, checkedSum } from './checksum';
import { fetchVersion, sameVersion } from './http';
import { fetchSource } from './http_source';
import type { KeepingFile, Kept, Unlock, WeightCache } from './weight_cache';

export interface CachedOptions {
  cache?: WeightCache | undefined;
  /** The file's. One that has none is checked for newer versions. */
  checksum?: Checksum | undefined;
  signal?: AbortSignal | undefined;
}

const LOCK_TRIES = 40;
const LOCK_PAUSE_MS = 50;

/** The file at `url`, from the cache if it is there. Throws WeightError. */
export async function cachedSource(url: string, options: CachedOptions): Promise<ByteSource> {
  const { cache, checksum, signal } = options;
  if (!cache) return fetchedSource(url, options);
  const key = await cache.key(url, checksum);
  const whole = async () => {
    const kept = await cache.find(key);
    const current = kept?.whole && (checksum !== undefined || (await isCurrent(url, kept, signal)));
    return current ? keptSource(kept, url) : undefined;
  };
  const found = await whole();
  if (found) return found;
  const { unlock, waited } = await lockSoon(cache, key);
  if (!unlock) return fetchedSource(url, options); // another tab or process is fetching and keeping it
  try {
    const meanwhile = waited ? await whole() : undefined;
    if (meanwhile) await unlock();
    return meanwhile ?? (await download(url, key, cache, unlock, options));
  } catch (error) {
    await unlock();
    throw error;
  }
}

function keptSource({ source }: Kept, url: string): ByteSource {
  return { ...source, name: url, sibling: siblingOf(url) };
}

/** The lock, if it is free or soon is, such as after a load that was given up. */
async function lockSoon(cache: WeightCache, key: string): Promise<{ unlock?: Unlock; waited: boolean }> {
  for (let tries = 1; ; tries++) {
    const unlock = await cache.lock(key);
    if (unlock || tries === LOCK_TRIES) return { ...(unlock && { unlock }), waited: tries > 1 };
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}

/** The file without any cache. */
async function fetchedSource(url: string, { checksum, signal }: CachedOptions): Promise<ByteSource> {
  const fetched = await fetchSource(url, { signal });
  return checksum ? checkedInOrder(fetched, checksum) : fetched;
}

/** Reads all of a file on disk or in memory to check it, and returns it; what passes by but once is checked then. */
export async function checkedSource(
  source: ByteSource,
  checksum: Checksum,
  signal?: AbortSignal,
): Promise<ByteSource> {
  if (!source.seekable) return checkedInOrder(source, checksum);
  for await (const _ of checkedSum(source.read(signal), checksum, source.name)) signal?.throwIfAborted();
  return source;
}

function checkedInOrder(source: ByteSource, checksum: Checksum): ByteSource {
  const { seekable: _, ...inOrder } = source; // parts have no checksum
  return { ...inOrder, read: (signal) => checkedSum(source.read(signal), checksum, source.name) };
}

/** Whether the server still has this version, or does not answer. */
async function isCurrent(url: string, { version }: Kept, signal?: AbortSignal): Promise<boolean> {
  const now = await fetchVersion(url, signal);
  return now === undefined || sameVersion(now, version);
}

async function download(
  url: string,
  key: string,
  cache: WeightCache,
  unlock: Unlock,
  { checksum, signal }: CachedOptions,
): Promise<ByteSource> {
  const kept = await cache.find(key);
  const known = checksum ?? kept?.version.etag ?? kept?.version.modified; // else nobody would notice a mixture
  const begun = kept && !kept.whole && kept.source.size > 0 && known !== undefined ? kept : undefined;
  const from = begun && { at: begun.source.size, version: begun.version };
  const fetched = await fetchSource(url, { signal, ...(from && { from }) });
  let whole = false;
  async function* read(stop?: AbortSignal): AsyncGenerator<Uint8Array> {
    let [file, refused]: [KeepingFile | undefined, boolean] = [undefined, false];
    const refuse = () => {
      refused = true;
    };
    try {
      file = await cache.keep(key, url, fetched.version, fetched.begin);
      const chunks = keeping(fetched.read(stop), file);
      const all = fetched.begin > 0 && begun ? chain(begun.source.read(stop), chunks) : chunks;
      yield* checksum ? checkedSum(all, checksum, fetched.name, refuse) : all;
      whole = true;
    } finally {
      await file?.close(whole);
      if (refused) await cache.forget(key);
      await unlock();
    }
  }
  return {
    name: fetched.name,
    size: fetched.size,
    keeps: true,
    read,
    seekable: async () => (whole ? (await cache.find(key))?.source.seekable?.() : undefined),
    sibling: siblingOf(url),
  };
}

async function* keeping(chunks: AsyncIterable<Uint8Array>, file: KeepingFile): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    await file.write(chunk);
    yield chunk;
  }
}

async function* chain(...parts: AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part;
}

function siblingOf(url: string): (name: string) => URL {
  return (name) => new URL(name, new URL(url, globalThis.location?.href));
}
