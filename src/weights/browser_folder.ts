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

class PrivateFolder implements Folder {
  readonly free = free;

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

  async write(name: string, at: number) {
    const handle = await this.directory.getFileHandle(name, { create: true });
    const stream = await handle.createWritable({ keepExistingData: at > 0 });
    if (at > 0) {
      await stream.truncate(at);
      await stream.seek(at);
    }
    return {
      write: (chunk: Uint8Array) => stream.write(chunk as Uint8Array<ArrayBuffer>),
      close: () => stream.close(),
    };
  }

  async remove(name: string): Promise<void> {
    await this.directory.removeEntry(name).catch(() => {}); // it is gone already
  }
}

/** Files as responses under made-up addresses. They are there when they are whole. */
class CacheFolder implements Folder {
  readonly free = free;

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
