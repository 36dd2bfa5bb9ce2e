// Files from the network that are kept: by address and checksum, the least recently used given up first. Beside
// KEY.weights, whole or begun, lies KEY.json, which says what it is.

import { WeightError } from '../errors';
import { ByteReader } from './byte_reader';
import type { ByteSource } from './byte_source';
import { digestOf } from './checksum';
import type { Version } from './http';

/** Where files are kept: in a browser its private file system or its Cache, in Node a folder. */
export interface Folder {
  list(): Promise<string[]>;
  /** A file, its size given; undefined if there is none. */
  read(name: string): Promise<(ByteSource & { size: number }) | undefined>;
  /** Writes a file from byte `at` on, up to which it stays as it is. */
  write(name: string, at: number): Promise<FolderWriter>;
  remove(name: string): Promise<void>;
  /** Keeps others from writing under a name until what it returns is called; undefined where another does so. */
  lock(name: string): Promise<Unlock | undefined>;
  /** Bytes that can still be kept. */
  free(): Promise<number>;
}

export type Unlock = () => Promise<void> | void;

export interface FolderWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** What has been written is there from now on. */
  close(): Promise<void>;
}

/** What KEY.json says. */
interface About {
  url: string;
  version: Version;
  size: number;
  whole: boolean;
  /** When it was last read, in milliseconds since 1970. */
  used: number;
}

export interface Kept {
  source: ByteSource & { size: number };
  version: Version;
  whole: boolean;
}

const MAX_BYTES = 4 * 2 ** 30; // of all files, unless told otherwise
const MAX_ABOUT_BYTES = 64 << 10;

export class WeightCache {
  constructor(
    private readonly folder: Folder,
    private readonly maxBytes = MAX_BYTES,
  ) {}

  /** The name under which a file is kept. */
  key(url: string, checksum = ''): Promise<string> {
    return digestOf(`${url} ${checksum}`).then((digest) => digest.slice(0, 32));
  }

  /** Keeps other pages and processes from fetching the same; undefined where one of them does so now. */
  lock(key: string): Promise<Unlock | undefined> {
    return this.folder.lock(key);
  }

  /** What is kept of a file, whole or in part. */
  async find(key: string): Promise<Kept | undefined> {
    const about = await this.about(key);
    const source = about && (await this.folder.read(`${key}.weights`));
    if (!source || (about.whole && source.size !== about.size)) return undefined;
    if (about.whole) await this.describe(key, { ...about, used: Date.now() });
    return { source, version: about.version, whole: about.whole };
  }

  /**
   * Keeps a file from byte `at` on, what is there of it being its beginning. Throws WeightError where there is no
   * room for it.
   */
  async keep(key: string, url: string, version: Version, at: number): Promise<KeepingFile> {
    await this.makeRoom(key, url, (version.size ?? 0) - at);
    if (at === 0) await this.forget(key); // lest bytes of another version be taken for a beginning of this one
    const about = { url, version, size: version.size ?? 0, whole: false, used: Date.now() };
    await this.describe(key, about);
    const writer = await this.folder.write(`${key}.weights`, at);
    return new KeepingFile(url, at, writer, (size, whole) => this.describe(key, { ...about, size, whole }));
  }

  async forget(key: string): Promise<void> {
    await this.folder.remove(`${key}.json`);
    await this.folder.remove(`${key}.weights`);
  }

  /** Gives up what was not used for the longest time, until `bytes` more fit. */
  private async makeRoom(key: string, url: string, bytes: number): Promise<void> {
    const others: { key: string; size: number; used: number }[] = [];
    for (const name of await this.folder.list()) {
      const other = /^(.+)\.weights$/.exec(name)?.[1];
      if (other === undefined || other === key) continue;
      const size = (await this.folder.read(name))?.size ?? 0;
      others.push({ key: other, size, used: (await this.about(other))?.used ?? 0 });
    }
    others.sort((a, b) => a.used - b.used);
    let kept = others.reduce((sum, { size }) => sum + size, 0);
    while (kept + bytes > this.maxBytes || (await this.folder.free()) < bytes) {
      const oldest = others.shift();
      if (!oldest)
        throw full(url, `${bytes} bytes, got ${Math.min(this.maxBytes, await this.folder.free())}`);
      await this.forget(oldest.key);
      kept -= oldest.size;
    }
  }

  private async about(key: string): Promise<About | undefined> {
    const file = await this.folder.read(`${key}.json`);
    if (!file) return undefined;
    try {
      const text = new TextDecoder().decode(await new ByteReader(file).take(MAX_ABOUT_BYTES));
      return JSON.parse(text) as About;
    } catch {
      return undefined; // cut off when a page was closed
    }
  }

  private async describe(key: string, about: About): Promise<void> {
    const writer = await this.folder.write(`${key}.json`, 0);
    await writer.write(new TextEncoder().encode(JSON.stringify(about)));
    await writer.close();
  }
}

/** A file on its way into the cache. */
export class KeepingFile {
  constructor(
    private readonly url: string,
    private size: number,
    private readonly writer: FolderWriter,
    private readonly describe: (size: number, whole: boolean) => Promise<void>,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    try {
      await this.writer.write(chunk);
      this.size += chunk.length;
    } catch (cause) {
      throw isFull(cause) ? full(this.url, 'room for all of it, got too little', cause) : cause;
    }
  }

  /** Ends the writing; `whole` or as a part, from which a later one goes on. */
  async close(whole: boolean): Promise<void> {
    try {
      await this.writer.close();
    } catch (cause) {
      if (whole) throw isFull(cause) ? full(this.url, 'room for all of it, got too little', cause) : cause;
    }
    await this.describe(this.size, whole);
  }
}

function isFull(error: unknown): boolean {
  const name = (error as Error | undefined)?.name;
  return name === 'QuotaExceededError' || (error as { code?: string }).code === 'ENOSPC';
}

function full(url: string, wanted: string, cause?: unknown): WeightError {
  const advice = "free some of this site's storage, or load with cache: false";
  return new WeightError(`${url}: the cache is full: wanted ${wanted}; ${advice}`, { cause });
}
