// Where Node keeps weights from the network: $XDG_CACHE_HOME/maskrcnn-webgpu/weights, or the same in ~/.cache.

import { mkdir, open, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
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
    async lock(name) {
      const file = path(`${name}.lock`);
      const owner = Number(await readFile(file, 'utf8').catch(() => undefined));
      if (owner && !isRunning(owner)) await rm(file, { force: true });
      try {
        await writeFile(file, String(process.pid), { flag: 'wx' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
        throw error;
      }
      return () => rm(file, { force: true });
    },
    remove: (name) => rm(path(name), { force: true }),
    async free() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}
