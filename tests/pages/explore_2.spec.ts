// Chapters 7 to 12 of the page Explore in Chromium: every control, and that what is shown is what the run computed.
// Leaves a picture of each chapter in out/explore/.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
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
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
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

afterEach(() => expect(faults.splice(0)).toEqual([]));

/** Opens a chapter, on the run that is there. */
async function open(chapter: string): Promise<Locator> {
  await page.evaluate((id) => {
    location.hash = `#/${id}`;
  }, chapter);
  await page.locator(`.contents a[aria-current="page"][href="#/${chapter}"]`).waitFor();
  return page.locator('.chapter-view');
}

/** A picture of the chapter as it is; axe finds nothing; nothing sticks out on a phone. */
async function inspect(name: string): Promise<void> {
  await page.screenshot({ path: `out/explore/${name}.png`, fullPage: true });
  const { violations } = await new AxeBuilder({ page }).include('.chapter').analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 780 });
  const beyond = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(beyond).toBeLessThanOrEqual(0); // below: the gutter of the scrollbar
  await page.screenshot({ path: `out/explore/${name}_phone.png`, fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
}

const value = async (place: Locator): Promise<number> => Number(await place.getAttribute('data-value'));

test('7: ROIAlign and ROI Pool', { timeout: TIMEOUT }, async () => {
  const view = await open('7');
  const numbers = view.locator('.bin-numbers').first();
  await numbers.waitFor();
  // the mean of the samples, worked out on the page, is the number that the kernel left
  const shown = async () => (await numbers.locator('caption b').allTextContents()) as [string, string];
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowLeft']) {
    await view.getByRole('application', { name: /^ROIAlign over P2/ }).press(key);
    const [mean, computed] = await shown();
    expect(mean).toBe(computed);
  }
  const before = await shown();
  await view.getByRole('slider', { name: /Channel/ }).fill('3');
  expect(await shown()).not.toEqual(before);
  await view.getByRole('button', { name: 'Box head' }).click();
  await view.getByText('become 7 × 7 bins').waitFor();
  expect(new Set(await shown()).size).toBe(1);
  await view.getByRole('slider', { name: /Object/ }).fill('2');
  await view.getByText(/^2 of \d+: nucleus/).waitFor();
  await view.getByRole('button', { name: 'Mask head' }).click();
  await view.getByText('become 14 × 14 bins').waitFor();

  await page.getByRole('button', { name: 'Run again with ROI Pool' }).click();
  const row = (name: string) => value(view.getByRole('row', { name }).locator('td'));
  await view.getByText('Found with ROI Pool').waitFor({ timeout: TIMEOUT });
  const [first, second, both] = [
    await row('Found with ROIAlign'),
    await row('Found with ROI Pool'),
    await row('Found by both'),
  ];
  expect(both).toBeGreaterThan(0);
  expect(both).toBeLessThanOrEqual(Math.min(first, second));
  expect(await row("Their masks' mean IoU")).toBeLessThan(1);
  await inspect('07_roi_align');
});

test('8: the box head', { timeout: TIMEOUT }, async () => {
  const view = await open('8');
  await view.getByText('the very ones of the run').waitFor();
  const film = async () =>
    (await view.locator('[data-film]').getAttribute('data-film'))!.split(' ').map(Number);
  const [stay, candidates] = (await film()) as [number, number];
  expect(candidates).toBeGreaterThan(stay);
  const score = () => value(view.locator('.opinions tr.chosen td').nth(1));
  const best = await score();
  await view.getByRole('slider', { name: /Candidate/ }).fill('40');
  expect(await score()).toBeLessThan(best);
  await inspect('08_box_head');
  await view.getByRole('slider', { name: /IoU/ }).fill('0.95');
  expect((await film())[0]).toBeGreaterThan(stay);
  await view.getByRole('slider', { name: /Score/ }).fill('0.4');
  expect((await film())[1]).toBeLessThan(candidates);
});

test('9: the mask head', { timeout: TIMEOUT }, async () => {
  const view = await open('9');
  const pixels = async () => Number(await view.locator('[data-pixels]').getAttribute('data-pixels'));
  await view.locator('[data-pixels]').waitFor();
  const half = await pixels();
  const threshold = view.getByRole('slider', { name: /A pixel is/ });
  await threshold.fill('0.9');
  const sure = await pixels();
  await threshold.fill('0.1');
  expect([sure, half, await pixels()]).toEqual([sure, half, await pixels()].sort((a, b) => a - b));
  await threshold.fill('0.5');
  expect(await pixels()).toBe(half);
  await view.getByRole('application', { name: /mask_roi_pool/ }).press('ArrowDown');
  await view.getByRole('application', { name: /Probability.*row 15, column 15/ }).waitFor(); // 7, 7 of 14
  await inspect('09_mask_head');
  await view.getByRole('button', { name: 'background' }).click();
  await view.getByText('The sigmoid of the channel of').getByText('background').waitFor();
});

test('10: training', { timeout: TIMEOUT }, async () => {
  const view = await open('10');
  const loss = (name: string) =>
    value(view.locator('.losses').getByRole('row', { name }).locator('[data-value]'));
  const NAMES = ['RPN: objectness', 'RPN: boxes', 'Box head: classes', 'Box head: boxes', 'Masks'];
  await view.locator('.losses').waitFor();
  const all = async () => Promise.all(NAMES.map(loss));
  const before = await all();
  expect(await loss('Together')).toBeCloseTo(before.reduce((a, b) => a + b));
  const counts = async () =>
    (await view.locator('[data-counts]').getAttribute('data-counts'))!.split(' ').map(Number);
  const [matched, ignored, background] = await counts();
  expect(matched).toBeGreaterThan(0);
  expect(ignored).toBeGreaterThan(0);
  expect(background).toBeGreaterThan(matched!);
  await inspect('10_training');
  await view.getByRole('button', { name: 'Draw others' }).click();
  expect(await counts()).toEqual([matched, ignored, background]); // who matches is not drawn by lot
  expect(await loss('RPN: objectness')).not.toBe(before[0]);
  await view.getByRole('slider', { name: /Move the truth/ }).fill('6');
  const moved = await all();
  // anchors still match, by their best overlap, and lie worse; proposals are background that is taken for nuclei
  for (const i of [1, 2]) expect(moved[i], NAMES[i]).toBeGreaterThan(before[i]!);
  for (const i of [3, 4]) expect(moved[i], NAMES[i]).not.toBe(before[i]);
  await view.getByRole('button', { name: 'Proposals' }).click();
  expect((await counts())[1]).toBe(0); // none is ignored
  await view.getByRole('slider', { name: /Move the truth/ }).fill('32');
  expect((await counts())[0]).toBe(0); // too far: none is matched, and nothing is asked of boxes and masks
  expect((await all()).slice(3)).toEqual([0, 0]);
});

test('11: time and memory', { timeout: TIMEOUT }, async () => {
  const view = await open('11');
  const bytes = (name: RegExp) => value(view.getByRole('row', { name }).locator('td'));
  await view.getByText('shared buffers').waitFor();
  const [own, shared, least] = [await bytes(/own/), await bytes(/shared/), await bytes(/at once/)];
  expect(own).toBeGreaterThan(shared);
  expect(shared).toBeGreaterThanOrEqual(least);
  await view.locator('.memory .plot').waitFor();
  const flame = view.getByRole('application', { name: /Flame chart/ });
  await flame.press('ArrowRight');
  await flame.press('ArrowDown');
  await view.locator('.flame figcaption', { hasText: /ms, .+ %/ }).waitFor();
  await inspect('11_time_and_memory');
});

test('12: an edited kernel changes the picture, and a broken one says where', {
  timeout: TIMEOUT,
}, async () => {
  const view = await open('12');
  const editor = view.getByRole('textbox', { name: 'WGSL of mask_select' });
  await editor.waitFor({ timeout: TIMEOUT });
  await view.getByRole('button', { name: 'Turn every mask inside out' }).click();
  await view.getByText('Changed: mask_select').waitFor();
  await view.getByRole('button', { name: 'Run', exact: true }).click();
  const figures = view.locator('[data-found]');
  await figures.nth(1).waitFor({ timeout: TIMEOUT });
  const [before, after] = await figures.evaluateAll((all) =>
    all.map((each) => each.getAttribute('data-found')),
  );
  expect(after).toBe(before); // boxes are what they were
  expect(Number(await view.locator('[data-different]').getAttribute('data-different'))).toBeGreaterThan(1000);
  const pictures = await view
    .locator('.pair .picture canvas')
    .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));
  expect(pictures[0]).not.toBe(pictures[1]);
  await inspect('12_your_kernel');

  await view.getByRole('button', { name: 'Reset this kernel' }).click();
  await view.getByText('Nothing is changed.').waitFor();
  await editor.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\nlet broken = 1;');
  await page.keyboard.press('Control+Enter');
  await view.locator('.fault-text').waitFor({ timeout: 30_000 });
  const line = await view.locator('.cm-line.fault-line').textContent();
  expect(line).toContain('let broken = 1;');
  await view
    .getByRole('alert')
    .getByText(/^Line \d+: /)
    .waitFor();
  await page.screenshot({ path: 'out/explore/12_your_kernel_broken.png', fullPage: true });
  expect(await editor.textContent()).toContain('let broken = 1;'); // all that was typed, however fast
  await view.getByRole('button', { name: 'Reset all' }).click();
  await view.getByText('Nothing is changed.').waitFor();
});
