// A file on disk as a source of weights, for Node: read in pieces, never whole.

import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WeightError } from './errors';
import type { ByteSource } from './weights/byte_source';

const PIECE_BYTES = 1 << 20;

/** The file at `path` (or `file:` URL). Throws WeightError when it is read and cannot be. */
export function fileSource(path: string | URL): ByteSource {
  const name = path instanceof URL ? fileURLToPath(path) : path;
  return {
    name,
    async *read(signal) {
      const file = await openFile(name);
      try {
        yield* readFile(file, undefined, Number.POSITIVE_INFINITY, signal);
      } finally {
        await file.close();
      }
    },
    async seekable() {
      const file = await openFile(name);
      const { size } = await file.stat();
      return {
        size,
        slice: (begin, end, signal) => readFile(file, begin, end, signal),
        close: () => file.close(),
      };
    },
    sibling: (file) => fileSource(join(dirname(name), file)),
  };
}

async function openFile(name: string): Promise<FileHandle> {
  try {
    return await open(name);
  } catch (cause) {
    throw new WeightError(`${name}: cannot be opened: ${(cause as Error).message}`, { cause });
  }
}

/** From `begin` on, or from where the file is, which may be a pipe. */
async function* readFile(
  file: FileHandle,
  begin: number | undefined,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, end - (begin ?? 0))); // reused: a piece is done with by the next
  for (let at = begin ?? 0; at < end; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(
      buffer,
      0,
      Math.min(buffer.length, end - at),
      begin === undefined ? null : at,
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
