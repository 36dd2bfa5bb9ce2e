// How much a first visit loads, without weights: what a server sends with gzip, pictures by their length.

import { gzipSync } from 'node:zlib';
import type { Page, Response } from 'playwright';

/** Counts from now on; returns what ends the counting, and tells the bytes of each file. */
export function watchLoads(page: Page): () => Promise<Map<string, number>> {
  const files: Promise<[string, number]>[] = [];
  const count = (response: Response) => {
    const name = new URL(response.url()).pathname.split('/').at(-1)!;
    if (!response.url().startsWith('http') || name.endsWith('.safetensors')) return;
    const length = Number(response.headers()['content-length']);
    const sent = name.endsWith('.png')
      ? Promise.resolve(length)
      : response.body().then((body) => gzipSync(body, { level: 9 }).length);
    files.push(sent.then((bytes) => [name, bytes]));
  };
  page.on('response', count);
  return async () => {
    page.off('response', count);
    return new Map(await Promise.all(files));
  };
}
