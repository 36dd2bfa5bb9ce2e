// The library as its users get it: built afresh into a folder of its own, so that no test sees an old dist/.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';

/** Returns the folder with index.js, and what removes it. */
export async function buildLibrary(): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-dist-'));
  await build({ logLevel: 'error', build: { outDir: folder, emptyOutDir: true, copyPublicDir: false } });
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
