// A file on disk as a source of weights, for Node: read in pieces, never whole.

import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { WeightError } from './errors';
import type { ByteSource } from './weights/byte_source';

const PIECE_BYTES = 4 << 20;

/** The file at `path` (or `file:` URL). Throws WeightError when it is read and cannot be. */
export function fileSource(path: string | URL): ByteSource {
  const name = path instanceof URL ? fileURLToPath(path) : path;
  return { name, read: (signal) => readFile(name, signal) };
}

async function* readFile(name: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  const file = await open(name).catch((cause) => {
    throw new WeightError(`${name}: cannot be opened: ${(cause as Error).message}`, { cause });
  });
  const buffer = new Uint8Array(PIECE_BYTES); // reused: the reader is done with a piece when it asks for the next
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
