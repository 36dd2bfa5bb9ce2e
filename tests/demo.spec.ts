// The demo's page, built and served as static files, in Chromium: from the sample to outlines and a count.
// Leaves a picture of itself in out/demo.png.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium';
import { serve, type WebServer } from './web_server';

const TIMEOUT = 300_000;
/** Where the page gets MaskRCNN2Go. */
const PUBLISHED = 'https://raw.githubusercontent.com/**';
const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-site-'));
let server: WebServer | undefined;
let browser: Browser | undefined;

beforeAll(async () => {
  const configFile = 'vite.demo.config.ts';
  await build({ configFile, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  server = await serve({ '/some/folder/': folder });
  browser = await launchChromium();
}, TIMEOUT);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

test('outlines and counts the nuclei of the sample', { timeout: TIMEOUT }, async () => {
  const page = await browser!.newPage({ viewport: { width: 1280, height: 800 } });
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.goto(`${server!.url}/some/folder/`);
  await page.getByRole('status').getByText('Done in').waitFor({ timeout: TIMEOUT });
  const count = async () => Number(await page.locator('#count').textContent());
  const atHalf = await count();
  expect(atHalf).toBeGreaterThan(10);

  // the slider and the arrow keys work at once, on what was found
  const slider = page.getByRole('slider', { name: 'Score at least' });
  await slider.fill('0.05');
  const all = await count();
  await slider.fill('0.99');
  const sure = await count();
  expect([all, atHalf, sure]).toEqual([all, atHalf, sure].sort((a, b) => b - a));
  expect(all).toBeGreaterThan(sure);
  await slider.fill('0.5');
  await page.locator('#canvas').focus();
  await page.keyboard.press('ArrowRight');
  await page.getByText(/^nucleus, score \d\.\d\d, \d+ px$/).waitFor();

  mkdirSync('out', { recursive: true });
  await page.screenshot({ path: 'out/demo.png' });
  await page.setViewportSize({ width: 360, height: 740 });
  const across = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(across).toBe(360); // nothing sticks out on a phone
  expect(faults).toEqual([]);

  // the other model comes from the network; where that fails, the page says so
  await page.route(PUBLISHED, (route) => route.abort());
  await page.getByLabel('Look for').selectOption('things');
  await page.getByRole('status').getByText('check the address, the network').waitFor();
});

test('says what to do where there is no WebGPU, and about a file that is no picture', async () => {
  const page = await browser!.newPage();
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
  await page.goto(`${server!.url}/some/folder/`);
  await page.getByRole('status').getByText('use a current Chrome').waitFor();
  const text = { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
  await page.locator('#file').setInputFiles(text);
  await page.getByRole('status').getByText('no picture').waitFor();
});
