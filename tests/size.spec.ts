// How much a page has to fetch for the library, minified and compressed: all but what is imported when it is first
// needed, such as the readers of pickles.

import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, minify, type Rolldown } from 'vite';
import { expect, test } from 'vitest';
import config from '../vite.config';

const MOST = 60_000; // bytes with gzip

test(`the library is at most ${MOST} bytes, minified and compressed`, async () => {
  const [{ output }] = (await build({
    ...config,
    configFile: false,
    logLevel: 'error',
    build: { ...config.build, write: false, lib: { entry: 'src/index.ts', formats: ['es'] } },
  })) as [Rolldown.RolldownOutput];
  const chunks = output.filter((file) => file.type === 'chunk');
  const fetched = new Set([chunks.find(({ isEntry }) => isEntry)!]);
  for (const { imports } of fetched) {
    for (const file of imports) fetched.add(chunks.find(({ fileName }) => fileName === file)!);
  }
  const sizes = new Map<Rolldown.OutputChunk, { gzip: number; brotli: number }>();
  for (const chunk of chunks) {
    const { code } = await minify(chunk.fileName, chunk.code, { module: true });
    sizes.set(chunk, { gzip: gzipSync(code, { level: 9 }).length, brotli: brotliCompressSync(code).length });
  }
  const sum = (as: 'gzip' | 'brotli') =>
    [...fetched].reduce((total, chunk) => total + sizes.get(chunk)![as], 0);
  const later = chunks
    .filter((chunk) => !fetched.has(chunk))
    .map((chunk) => `${chunk.name} ${sizes.get(chunk)!.gzip}`);
  console.info(`the library: ${sum('gzip')} bytes with gzip, ${sum('brotli')} with Brotli`);
  console.info(`when they are needed, with gzip: ${later.join(', ')}`);
  expect(chunks.flatMap((chunk) => chunk.exports)).toContain('MaskRCNN');
  expect(sum('gzip')).toBeLessThanOrEqual(MOST);
  expect(sum('gzip')).toBeGreaterThan(10_000); // it is the library
});
