// A file at an address that is fetched once, and read from the cache from then on. What was fetched when a download
// ended early is where the next one begins.

import type { ByteSource } from './byte_source';
import { checkedSum } from './checksum';
import { fetchVersion, sameVersion } from './http';
import { fetchSource } from './http_source';
import type { Kept, WeightCache } from './weight_cache';

export interface CachedOptions {
  cache?: WeightCache | undefined;
  /** First digits of the file's SHA-256, or all of them. A file that has none is checked for newer versions. */
  sha256?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The file at `url`, from the cache if it is there. Throws WeightError. */
export async function cachedSource(url: string, options: CachedOptions): Promise<ByteSource> {
  const { cache, sha256, signal } = options;
  if (!cache) {
    const fetched = await fetchSource(url, { signal });
    if (!sha256) return fetched;
    const { seekable: _, ...inOrder } = fetched; // parts have no checksum
    return { ...inOrder, read: (stop) => checkedSum(fetched.read(stop), sha256, fetched.name) };
  }
  const key = await cache.key(url, sha256);
  const kept = await cache.find(key);
  const current = kept && (sha256 !== undefined || (await isCurrent(url, kept, signal)));
  if (kept?.whole && current) return { ...kept.source, name: url, sibling: siblingOf(url) };
  return download(url, key, cache, current ? kept : undefined, options);
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
  part: Kept | undefined,
  { sha256, signal }: CachedOptions,
): Promise<ByteSource> {
  const known = sha256 ?? part?.version.etag ?? part?.version.modified; // else nobody would notice a mixture
  const begun = part && part.source.size > 0 && known !== undefined ? part : undefined;
  const from = begun && { at: begun.source.size, version: begun.version };
  const fetched = await fetchSource(url, { signal, ...(from && { from }) });
  let whole = false;
  async function* read(stop?: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await cache.keep(key, url, fetched.version, fetched.begin);
    let good = true;
    try {
      const chunks = keeping(fetched.read(stop), file);
      const all = fetched.begin > 0 && begun ? chain(begun.source.read(stop), chunks) : chunks;
      yield* sha256 ? checkedSum(all, sha256, fetched.name) : all;
      whole = true;
    } catch (error) {
      good = !(error instanceof Error && error.message.includes('SHA-256'));
      throw error;
    } finally {
      await file.close(whole);
      if (!good) await cache.forget(key);
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

async function* keeping(
  chunks: AsyncIterable<Uint8Array>,
  file: { write(chunk: Uint8Array): Promise<void> },
): AsyncGenerator<Uint8Array> {
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
