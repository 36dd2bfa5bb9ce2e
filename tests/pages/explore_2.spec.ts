// Chapters 7 to 12 of the page Explore in Chromium: every control, and that what is shown is what the run computed.
// Leaves a picture of each chapter in out/explore/.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../chromium';
import { serve, type WebServer } from '../web_server';

const TIMEOUT = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-explore-'));
const faults: string[] = [];
let server: WebServer;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync('out/explore', { recursive: true });
  const configFile = 'vite.demo.config.ts';
  await build({ configFile, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  server = await serve({ '/': folder });
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.goto(`${server.url}/explore.html?size=128#/7`);
  await page
    .getByRole('status')
    .getByText(/resized to/)
    .waitFor({ timeout: TIMEOUT });
}, TIMEOUT);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

/** Opens a chapter, on the run that is there. */
async function open(chapter: string): Promise<void> {
  await page.evaluate((id) => {
    location.hash = `#/${id}`;
  }, chapter);
}

const shoot = (name: string) => page.screenshot({ path: `out/explore/${name}.png`, fullPage: true });

test('7: ROIAlign and ROI Pool', { timeout: TIMEOUT }, async () => {
  await open('7');
  const numbers = page.locator('.bin-numbers').first();
  await numbers.waitFor();
  await shoot('07_roi_align');
  await page.getByRole('button', { name: 'Run again with ROI Pool' }).click();
  await page.getByText('Found with ROI Pool').waitFor({ timeout: TIMEOUT });
  await shoot('07_roi_align_compared');
  expect(faults).toEqual([]);
});
