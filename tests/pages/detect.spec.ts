// The page Detect in Chromium: where pictures come from, what is shown of them, and what happens when something goes
// wrong. What is shown equals what the library finds. Leaves pictures of itself in out/pages.

import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page, Response } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Found, foundObjects } from '../../src/results/found';
import { nucleiModel } from '../engine';
import { DetectPage, HEIGHT, nucleiCrop, SIZE, TIMEOUT, WIDTH } from './detect_page';
import { openSite, SHOTS, type Site } from './site';

const FIRST_LOAD = 250_000; // bytes, compressed
const TABS = ['Objects', 'Edit', 'Compare', 'Export'];

let crop: Buffer;
let site: Site;
let detect: DetectPage;
let found: Found[];

const shown = (score: number) => found.filter((object) => object.score >= score);

beforeAll(async () => {
  site = await openSite();
  const { png, pixels } = await nucleiCrop();
  crop = png;
  const model = await nucleiModel({ minSize: SIZE, maxSize: Math.round((SIZE * 5) / 3) });
  found = foundObjects((await model.detect(pixels)).detections);
  model.destroy();
}, TIMEOUT);
afterAll(() => site?.close());

/** Of what a server sends, compressed where servers compress. */
async function bytesOf(response: Response): Promise<[name: string, bytes: number]> {
  const name = new URL(response.url()).pathname.split('/').at(-1)!;
  if (name.endsWith('.png')) return [name, Number(response.headers()['content-length'])];
  return [name, gzipSync(await response.body(), { level: 9 }).length];
}

test('the first load is small, and nothing is missing in any folder of a server', {
  timeout: TIMEOUT,
}, async () => {
  const sizes: ReturnType<typeof bytesOf>[] = [];
  const missing: string[] = [];
  detect = await DetectPage.open(site, `#size=${SIZE}`, {}, (page) => {
    page.on('response', (response) => {
      if (!response.url().startsWith('http')) return;
      if (!response.ok() || !response.url().startsWith(site.url)) missing.push(response.url());
      if (!response.url().endsWith('.safetensors')) sizes.push(bytesOf(response));
    });
  });
  await detect.done();
  const files = await Promise.all(sizes);
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  console.info(`first load: ${bytes} bytes: ${files.map(([name, size]) => `${name} ${size}`).join(', ')}`);
  expect(missing).toEqual([]);
  expect(files.length).toBeGreaterThan(4);
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD);
});

describe('a picture', () => {
  test('is found in what the library finds in it', { timeout: TIMEOUT }, async () => {
    await detect.choose('crop.png', crop);
    expect(shown(0.5).length).toBeGreaterThan(3);
    expect(await detect.count()).toBe(shown(0.5).length);
    await detect.page.screenshot({ path: `${SHOTS}/detect_light.png` });
  });

  test('filters act at once, without another run', async () => {
    const runs = await detect.runs();
    for (const score of [0.2, 0.8, 0.3]) {
      await detect.setScore(score);
      expect(await detect.count()).toBe(shown(score).length);
      expect(detect.page.url()).toContain(`score=${score}`);
    }
    const rows = detect.page.locator('#instances button');
    const texts = shown(0.3).map(({ area, score }, i) => `${i + 1} nucleus${area} px${score.toFixed(2)}`);
    await expect.poll(() => rows.allTextContents()).toEqual(texts);
    await detect.page.getByLabel('boxes').check();
    expect(detect.page.url()).toContain('layers=masks+outlines+boxes+keypoints+labels');
    await detect.page.getByLabel('boxes').uncheck();
    expect(await detect.runs()).toBe(runs);
  });

  test('list, picture and keys point at the same object', async () => {
    const { page } = detect;
    const [x, y, width, height] = found[1]!.bbox;
    const middle = [x + width / 2, y + height / 2] as const;
    const frame = (await page.locator('#canvas').boundingBox())!;
    const spot = (await detect.place(...middle)).map((at, i) => Math.round(at - (i ? frame.y : frame.x)));
    const colour = async () => {
      const { data, width: across } = await detect.stage();
      return data.slice(4 * (spot[1]! * across + spot[0]!), 4 * (spot[1]! * across + spot[0]!) + 3).join();
    };
    const words = ({ area, score }: Found, i: number) =>
      `${i + 1} nucleus, score ${score.toFixed(2)}, ${area} px`;
    const pointed = (text: string) => page.locator('#pointed').getByText(text, { exact: true }).waitFor();
    const calm = await colour();
    const rows = page.locator('#instances button');
    await rows.nth(1).hover();
    await pointed(words(found[1]!, 1));
    const strong = await colour();
    expect(strong).not.toBe(calm);

    await page.mouse.move(0, 0);
    expect(await colour()).toBe(calm);
    await page.mouse.move(...(await detect.place(...middle)));
    await pointed(words(found[1]!, 1));
    expect(await colour()).toBe(strong);
    await expect.poll(() => rows.nth(1).getAttribute('class')).toBe('pointed');
    await page.mouse.down();
    await page.mouse.up();
    expect(await rows.nth(1).getAttribute('aria-pressed')).toBe('true');

    await page.mouse.move(0, 0);
    await page.locator('#canvas').press('Escape');
    expect(await rows.nth(1).getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('ArrowRight');
    await pointed(words(found[0]!, 0));
    await page.keyboard.press('ArrowLeft');
    await pointed(words(shown(0.3).at(-1)!, shown(0.3).length - 1));
    await page.keyboard.press('Enter');
    expect(await rows.last().getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('Escape');
  });

  test('zoom and pan, by mouse, wheel and keys', async () => {
    const { page } = detect;
    const canvas = page.locator('#canvas');
    const frame = (await canvas.boundingBox())!;
    const whole = await canvas.evaluate(
      ({ clientWidth, clientHeight }, [width, height]) =>
        Math.min(clientWidth / width, clientHeight / height),
      [WIDTH, HEIGHT] as const,
    );
    const magnified = (scale: number) =>
      expect.poll(() => page.locator('#magnification').textContent()).toBe(`${Math.round(100 * scale)} %`);
    for (const layer of ['masks', 'outlines', 'labels']) await page.getByLabel(layer).uncheck();
    await magnified(whole);
    const before = await detect.stage();
    await canvas.focus();
    await page.keyboard.press('+');
    await magnified(1.25 * whole);
    await page.keyboard.press('-');
    await magnified(whole);
    await detect.button('Larger').click();
    await detect.button('Larger').click();
    await detect.button('Smaller').click();
    await magnified(1.25 * whole);
    await canvas.focus();
    await page.mouse.move(frame.x + frame.width / 2, frame.y + frame.height / 2);
    await page.mouse.wheel(0, -500);
    await magnified(1.25 * whole * Math.exp(0.8));

    const apart = async () => {
      await page.mouse.move(0, 0); // what is pointed at is drawn stronger
      return detect.stage();
    };
    const from = await apart();
    const [dx, dy] = [60, -40];
    await page.mouse.move(400, 400);
    await page.mouse.down();
    await page.mouse.move(400 + dx, 400 + dy, { steps: 3 });
    await page.mouse.up();
    await expect.poll(async () => different(from, await apart(), dx, dy)).toBe(0);
    const dragged = await apart();
    expect(different(from, dragged, 0, 0)).toBeGreaterThan(0.2);
    await canvas.press('Shift+ArrowRight'); // to the right in the picture: it goes to the left by 60 pixels
    await expect.poll(async () => different(dragged, await detect.stage(), -60, 0)).toBe(0);
    await page.keyboard.press('0');
    await magnified(whole);
    await expect.poll(async () => different(before, await detect.stage(), 0, 0)).toBe(0);
    for (const layer of ['masks', 'outlines', 'labels']) await page.getByLabel(layer).check();
  });

  test('is dropped, pasted, picked or photographed', { timeout: TIMEOUT }, async () => {
    const bytes = crop.toString('base64');
    for (const [name, type] of [
      ['dropped.png', 'drop'],
      ['pasted.png', 'paste'],
    ] as const) {
      await detect.page.evaluate(hand, [bytes, name, type] as const);
      await detect.page.locator(`#canvas[aria-label^="${name}: ${shown(0.3).length} objects"]`).waitFor();
    }
    const [chooser] = await Promise.all([
      detect.page.waitForEvent('filechooser'),
      detect.button('Open a picture or video').press('Enter'),
    ]);
    await chooser.setFiles({ name: 'picked.png', mimeType: 'image/png', buffer: crop });
    await detect.page.locator(`#canvas[aria-label^="picked.png: ${shown(0.3).length} objects"]`).waitFor();
  });

  test.each(TABS)('%s: for screen readers, in light and dark, on a phone', async (name) => {
    const { page } = detect;
    await detect.tab(name);
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [theme, id, nodes[0]?.html])).toEqual([]);
    }
    await page.screenshot({ path: `${SHOTS}/detect_dark_${name.toLowerCase()}.png` });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.screenshot({ path: `${SHOTS}/detect_phone_${name.toLowerCase()}.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  test('the theme is the visitor’s choice; tabs go by arrow keys', async () => {
    const { page } = detect;
    await detect.button(/Colours/).click();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('light');
    await page.getByRole('tab', { name: 'Export' }).press('ArrowRight');
    expect(await page.getByRole('tab', { name: 'Objects' }).getAttribute('aria-selected')).toBe('true');
    await page.locator('.skip').press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('detect');
    expect(page.url()).toContain(`size=${SIZE}`);
  });

  test('a lost device: the model is loaded anew', { timeout: TIMEOUT }, async () => {
    await detect.page.evaluate(() => window.engine.api.detect.loseDevice());
    await detect.fault('The GPU was lost');
    await detect.page.getByText('The GPU is back').waitFor({ timeout: TIMEOUT });
    expect(await detect.page.getByRole('alert').count()).toBe(0);
    await detect.button('Close this message').click();
    expect(await detect.count()).toBe(shown(0.3).length);
    await detect.choose('again.png', crop);
    expect(await detect.count()).toBe(shown(0.3).length);
    expect(detect.faults).toEqual([]);
  });

  test('files that are none are told of, and what was there stays', async () => {
    for (const [name, mimeType, words] of [
      ['a.txt', 'text/plain', 'a.txt is no picture'],
      ['broken.png', 'image/png', 'broken.png is no picture'],
      ['broken.mp4', 'video/mp4', 'broken.mp4 cannot be played: it holds no video'],
    ] as const) {
      await detect.page
        .locator('#file')
        .setInputFiles({ name, mimeType, buffer: Buffer.from('none at all') });
      await detect.fault(words);
    }
    expect(await detect.page.locator('#canvas').getAttribute('aria-label')).toContain('again.png');
    expect(await detect.count()).toBe(shown(0.3).length);
    await detect.close();
  });
});

test('settings in the address: opened, changed, shared', { timeout: TIMEOUT }, async () => {
  const hash = `#picture=tissue&score=0.7&layers=outlines+boxes&colours=class&size=64&precision=f16`;
  detect = await DetectPage.open(site, hash, { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = detect;
  await detect.done();
  expect(await page.locator('#sample').inputValue()).toBe('tissue');
  expect(await page.locator('#score').inputValue()).toBe('0.7');
  const layers = { masks: false, outlines: true, boxes: true, labels: false, 'colours by class': true };
  for (const [name, on] of Object.entries(layers)) expect(await page.getByLabel(name).isChecked()).toBe(on);
  await page.getByText('About this model').click();
  expect(await page.getByLabel('Shorter side').inputValue()).toBe('64');
  expect(await page.getByLabel('Numbers').inputValue()).toBe('f16');
  await detect.tab('Export');
  await detect.button('Copy link').click();
  await page.getByText('The link is copied').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${site.url}index.html${hash}`);

  await page.evaluate(() => {
    location.hash = '#picture=nuclei&score=0.2&size=64&precision=f16';
  });
  await page.locator('#canvas[aria-label^="nuclei.png"]').waitFor();
  await detect.done();
  expect(await page.locator('#score').inputValue()).toBe('0.2');
  expect(detect.faults).toEqual([]);
  await detect.close();
});

test('a phone photographs with its own camera', async () => {
  detect = await DetectPage.open(site, `#size=${SIZE}`, { isMobile: true, hasTouch: true });
  const [chooser] = await Promise.all([
    detect.page.waitForEvent('filechooser'),
    detect.button('Photograph').tap(),
  ]);
  expect(await chooser.element().getAttribute('capture')).toBe('environment');
  await chooser.setFiles({ name: 'photo.png', mimeType: 'image/png', buffer: crop });
  await detect.page.locator('#canvas[aria-label^="photo.png"]').waitFor();
  await detect.close();
});

const withoutGpu = (page: Page) =>
  page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));

/** The worker's own script, in which the browser offers no adapter. */
const withoutAdapter = (page: Page) =>
  page.route(/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const none = "Object.defineProperty(GPU.prototype, 'requestAdapter', { value: async () => null });";
    await route.fulfill({ response, body: none + (await response.text()) });
  });

test.each([
  ['no WebGPU', withoutGpu, 'navigator.gpu'],
  ['no adapter', withoutAdapter, 'no GPU adapter'],
] as const)('%s: the page says what to do, and is not blank', async (_, prepare, reason) => {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await prepare(page);
  await page.goto(site.url);
  await page.getByRole('heading', { name: 'This page needs WebGPU' }).waitFor();
  await page.getByRole('alert').getByText(reason).waitFor();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.screenshot({ path: `${SHOTS}/detect_no_webgpu.png` });
  await context.close();
});

/** In the page: hands it a file as browsers do. */
function hand([base64, name, type]: readonly [base64: string, name: string, type: 'drop' | 'paste']): void {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  if (type === 'paste') {
    document.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: transfer }));
    return;
  }
  for (const step of ['dragover', 'drop']) {
    const event = new DragEvent(step, { ...options, dataTransfer: transfer });
    if (document.body.dispatchEvent(event)) throw new Error(`the page leaves '${step}' to the browser`);
  }
}

interface Shot {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** The share of the pixels that differ when `before` is moved by (dx, dy); of those that both have, but for an edge. */
function different(before: Shot, after: Shot, dx: number, dy: number): number {
  const margin = 64;
  let [count, all] = [0, 0];
  for (let y = margin; y < before.height - margin; y++) {
    for (let x = margin; x < before.width - margin; x++, all++) {
      const [from, to] = [4 * ((y - dy) * before.width + x - dx), 4 * (y * before.width + x)];
      if (before.data[from] !== after.data[to]) count++;
    }
  }
  return count / all;
}
