// Where a browser keeps files: the origin's private file system, or the Cache where that cannot be written to from
// here (https://fs.spec.whatwg.org, https://w3c.github.io/ServiceWorker/#cache-interface).

import { blobSource } from './byte_source';
import type { Folder } from './weight_cache';

const NAME = 'maskrcnn-webgpu';

/** undefined where a browser keeps nothing for us, as on pages without https. */
export async function browserFolder(): Promise<Folder | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    const directory = await root.getDirectoryHandle(NAME, { create: true });
    if ('createWritable' in FileSystemFileHandle.prototype) return new PrivateFolder(directory);
  } catch {
    // such as in private windows
  }
  try {
    return new CacheFolder(await caches.open(NAME));
  } catch {
    return undefined;
  }
}

/** Bytes of the origin's quota that are left. */
async function free(): Promise<number> {
  const { quota = Number.POSITIVE_INFINITY, usage = 0 } = await navigator.storage.estimate();
  return quota - usage;
}

/** Across the tabs and workers of the origin (https://w3c.github.io/web-locks). */
function lock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const held = (granted: Lock | null) =>
      granted ? new Promise<void>((release) => resolve(() => release())) : resolve(undefined);
    navigator.locks.request(`${NAME}/${name}`, { ifAvailable: true }, held).catch(reject);
  });
}

const COMMIT_BYTES = 4 << 20;

class PrivateFolder implements Folder {
  readonly free = free;
  readonly lock = lock;

  constructor(private readonly directory: FileSystemDirectoryHandle) {}

  async list(): Promise<string[]> {
    const names: string[] = [];
    for await (const name of this.directory.keys()) names.push(name);
    return names;
  }

  async read(name: string) {
    try {
      const file = await (await this.directory.getFileHandle(name)).getFile();
      return { ...blobSource(file), size: file.size };
    } catch {
      return undefined;
    }
  }

  /** What is written is there when the stream is closed: now and then, lest a closed tab lose all of a download. */
  async write(name: string, at: number) {
    const handle = await this.directory.getFileHandle(name, { create: true });
    let end = at;
    let stream = await writableAt(handle, end);
    let commit = Math.max(COMMIT_BYTES, 2 * end); // a reopened file is copied: all in all not more than twice
    return {
      async write(chunk: Uint8Array) {
        await stream.write(chunk as Uint8Array<ArrayBuffer>);
        end += chunk.length;
        if (end < commit) return;
        await stream.close();
        stream = await writableAt(handle, end);
        commit = 2 * end;
      },
      close: () => stream.close(),
    };
  }

  async remove(name: string): Promise<void> {
    await this.directory.removeEntry(name).catch(() => {}); // it is gone already
  }
}

async function writableAt(handle: FileSystemFileHandle, at: number): Promise<FileSystemWritableFileStream> {
  const stream = await handle.createWritable({ keepExistingData: at > 0 });
  if (at > 0) {
    await stream.truncate(at);
    await stream.seek(at);
  }
  return stream;
}

/** Files as responses under made-up addresses. They are there when they are whole. */
class CacheFolder implements Folder {
  readonly free = free;
  readonly lock = lock;

  constructor(private readonly cache: Cache) {}

  async list(): Promise<string[]> {
    return (await this.cache.keys()).map(({ url }) => url.slice(url.lastIndexOf('/') + 1));
  }

  async read(name: string) {
    const blob = await (await this.cache.match(addressOf(name)))?.blob();
    return blob && { ...blobSource(blob), size: blob.size };
  }

  async write(name: string, at: number) {
    const before = at > 0 ? await (await this.cache.match(addressOf(name)))?.blob() : undefined;
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const put = this.cache.put(addressOf(name), new Response(readable));
    put.catch(() => {}); // told by close()
    if (before) await writer.write(new Uint8Array(await before.slice(0, at).arrayBuffer()));
    return {
      write: (chunk: Uint8Array) => writer.write(chunk.slice()), // it may wait there
      async close() {
        await writer.close();
        await put;
      },
    };
  }

  async remove(name: string): Promise<void> {
    await this.cache.delete(addressOf(name));
  }
}

function addressOf(name: string): string {
  return new URL(`/${NAME}/${name}`, globalThis.location?.href).href;
}
