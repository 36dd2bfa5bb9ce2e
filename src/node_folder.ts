// Where Node keeps weights from the network: $XDG_CACHE_HOME/maskrcnn-webgpu/weights, or the same in ~/.cache.

import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from './file_source';
import type { Folder } from './weights/weight_cache';

/** The folder in which the user's files of this kind are kept, made if it is not there. */
export async function nodeFolder(): Promise<Folder> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'maskrcnn-webgpu', 'weights');
  await mkdir(folder, { recursive: true });
  return folderAt(folder);
}

/** A folder that is there. */
export function folderAt(folder: string): Folder {
  const path = (name: string) => join(folder, name);
  return {
    list: () => readdir(folder),
    async read(name) {
      const found = await stat(path(name)).catch(() => undefined);
      return found && { ...fileSource(path(name)), size: found.size };
    },
    async write(name, at) {
      const file = await open(path(name), at > 0 ? 'r+' : 'w');
      await file.truncate(at);
      let end = at;
      return {
        async write(chunk) {
          await file.write(chunk, 0, chunk.length, end);
          end += chunk.length;
        },
        close: () => file.close(),
      };
    },
    remove: (name) => rm(path(name), { force: true }),
    async free() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
  };
}
