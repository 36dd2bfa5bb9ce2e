// How much a page has to fetch for the library: all of it, minified and compressed.

import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, test } from 'vitest';
import { leanShaders } from '../vite.lean_shaders';

const MOST = 60_000; // bytes

test(`the library is at most ${MOST} bytes, minified and compressed`, async () => {
  const { output } = (await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    plugins: [leanShaders],
    build: {
      target: 'es2022',
      write: false,
      // all that it exports, as no library of Vite's: those keep their white space
      rollupOptions: { input: 'src/index.ts', preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput;
  const chunks = output.filter((file) => file.type === 'chunk');
  const bytes = chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);
  console.info(`the library: ${bytes} bytes, exporting ${chunks[0]!.exports.join(', ')}`);
  expect(chunks.flatMap((chunk) => chunk.exports)).toContain('MaskRCNN');
  expect(bytes).toBeLessThanOrEqual(MOST);
  expect(bytes).toBeGreaterThan(10_000); // it is the library
});
