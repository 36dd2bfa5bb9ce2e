// The pages as visitors get them: built into a folder of their own, served, and opened in Chromium.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { build } from 'vite';
import { launchChromium } from '../chromium';
import { serve } from '../web_server';

export interface Site {
  /** Ends in a slash. */
  url: string;
  browser: Browser;
  /** A page that notes what goes wrong in it. */
  open(hash?: string, size?: { width: number; height: number }): Promise<{ page: Page; faults: string[] }>;
  close(): Promise<void>;
}

/** Where screenshots are kept, to be looked at. */
export const SHOTS = 'out/pages';

export async function openSite(flags: readonly string[] = []): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-site-'));
  await build({
    configFile: 'vite.demo.config.ts',
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  });
  const server = await serve({ '/some/folder/': folder });
  const browser = await launchChromium(flags);
  mkdirSync(SHOTS, { recursive: true });
  const url = `${server.url}/some/folder/`;
  return {
    url,
    browser,
    async open(hash = '', viewport = { width: 1280, height: 860 }) {
      const page = await browser.newPage({ viewport, acceptDownloads: true });
      const faults: string[] = [];
      page.on('pageerror', ({ message }) => faults.push(message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(`${url}index.html${hash}`);
      return { page, faults };
    },
    async close() {
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
