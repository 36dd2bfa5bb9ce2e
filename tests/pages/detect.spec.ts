// The page Detect in Chromium: each control and each export, on the bundled picture of nuclei; what is shown equals
// what the library finds. Leaves pictures of itself in out/pages.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CocoResult } from '../../src/results/coco';
import { readCsv } from '../../src/results/csv';
import { type Found, foundObjects } from '../../src/results/found';
import { decodeRle } from '../../src/rle';
import { nucleiModel } from '../engine';
import { openSite, SHOTS, type Site } from './site';

const TIMEOUT = 240_000;
/** Small, for SwiftShader. */
const SIZE = 96;
const FIRST_LOAD = 250_000; // bytes, compressed
const PUBLISHED = 'https://raw.githubusercontent.com/**';

/** A corner of the sample in which SwiftShader finds all it needs: 128 x 96 pixels. */
const [WIDTH, HEIGHT] = [128, 96];

let crop: Buffer;
let plain: { data: Uint8ClampedArray; width: number; height: number };
let site: Site;
let page: Page;
let faults: string[];
let found: Found[];

beforeAll(async () => {
  site = await openSite(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
}, TIMEOUT);
afterAll(() => site?.close());

/** The crop, as the visitor's own file. */
async function open(): Promise<void> {
  await page.locator('#file').setInputFiles({ name: 'crop.png', mimeType: 'image/png', buffer: crop });
  await page.locator('#canvas[aria-label^="crop.png"]').waitFor();
  await done();
}

async function download(click: Promise<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const [file] = await Promise.all([page.waitForEvent('download'), click]);
  return new Uint8Array(readFileSync(await file.path()));
}

function compressed(body: Buffer): number {
  return gzipSync(body, { level: 9 }).length;
}

/** A PNG's pixels, with alpha. */
async function decoded(png: Uint8Array): Promise<{ data: Uint8ClampedArray; width: number; height: number }> {
  const image = await loadImage(Buffer.from(png));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const tab = (name: string) => page.getByRole('tab', { name }).click();
const count = async () => Number(await page.locator('#count').textContent());
const shown = (score: number) => found.filter((object) => object.score >= score);
const done = () => page.getByRole('status').getByText('Done in').waitFor({ timeout: TIMEOUT });

async function saved(name: string): Promise<Uint8Array<ArrayBuffer>> {
  await tab('Export');
  return download(button(name).click());
}

describe('a picture', () => {
  beforeAll(async () => {
    const model = await nucleiModel({ minSize: SIZE, maxSize: Math.round((SIZE * 5) / 3) });
    const canvas = createCanvas(WIDTH, HEIGHT);
    canvas.getContext('2d').drawImage(await loadImage('demo/public/nuclei.png'), -40, -60);
    crop = canvas.toBuffer('image/png');
    plain = await decoded(crop);
    const { detections } = await model.detect(plain);
    found = foundObjects(detections);
    model.destroy();
  }, TIMEOUT);

  test('the first load is small, and finds what the library finds', { timeout: TIMEOUT }, async () => {
    const context = await site.browser.newContext({ viewport: { width: 1280, height: 860 } });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    faults = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    const sizes: Promise<[string, number]>[] = [];
    page.on('response', (response) => {
      const name = new URL(response.url()).pathname.split('/').at(-1)!;
      if (response.url().startsWith('http') && !name.endsWith('.safetensors')) {
        const length = Number(response.headers()['content-length']);
        const sent = name.endsWith('.png') ? Promise.resolve(length) : response.body().then(compressed);
        sizes.push(sent.then((bytes) => [name, bytes]));
      }
    });
    await page.goto(`${site.url}index.html#size=${SIZE}`);
    await done();
    const files = await Promise.all(sizes);
    const bytes = files.reduce((sum, [, size]) => sum + size, 0);
    console.info(`first load: ${bytes} bytes: ${files.map(([name, size]) => `${name} ${size}`).join(', ')}`);
    expect(files.length).toBeGreaterThan(4);
    expect(bytes).toBeLessThanOrEqual(FIRST_LOAD);
    await open();
    expect(shown(0.5).length).toBeGreaterThan(3);
    expect(await count()).toBe(shown(0.5).length);
    await page.screenshot({ path: `${SHOTS}/detect_light.png` });
  });

  test('filters act at once; list, picture and keys point at the same object', async () => {
    const slider = page.getByRole('slider', { name: /Score at least/ });
    for (const score of [0.2, 0.8, 0.5]) {
      await slider.fill(String(score));
      expect(await count()).toBe(shown(score).length);
    }
    await slider.fill('0.3');
    expect(page.url()).toContain('score=0.3');
    const rows = page.locator('#instances button');
    await expect.poll(() => rows.count()).toBe(shown(0.3).length);
    await rows.nth(1).hover();
    const { area, score } = found[1]!;
    const words = `2: nucleus, score ${score.toFixed(2)}, ${area} px`;
    await page.getByText(words).waitFor();
    await page.locator('#canvas').focus();
    await page.mouse.move(0, 0);
    await page.keyboard.press('ArrowRight');
    await page.getByText(`1: nucleus, score ${found[0]!.score.toFixed(2)}`).waitFor();
    await page.keyboard.press('Enter');
    expect(await rows.nth(0).getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('Escape');
    expect(await rows.nth(0).getAttribute('aria-pressed')).toBe('false');
    // pointing into the picture, at the middle of the first object's box
    const frame = (await page.locator('#canvas').boundingBox())!;
    const [x, y, width, height] = found[0]!.bbox;
    const scale = Math.min(frame.width / WIDTH, frame.height / HEIGHT);
    const left = frame.x + (frame.width - WIDTH * scale) / 2;
    const top = frame.y + (frame.height - HEIGHT * scale) / 2;
    await page.mouse.move(left + (x + width / 2) * scale, top + (y + height / 2) * scale);
    await page
      .locator('#pointed')
      .getByText(/^\d+: nucleus/)
      .waitFor();
    for (const name of ['Larger', 'Larger', 'Smaller', 'Whole picture']) await button(name).click();
    await page.getByLabel('boxes').check();
    expect(page.url()).toContain('layers=masks+outlines+boxes+labels');
    await page.getByLabel('boxes').uncheck();
  });

  test('exports: CSV, COCO, masks and the picture hold what the library finds', async () => {
    const expected = shown(0.3);
    const rows = [...readCsv(new TextDecoder().decode(await saved('Measures, CSV')), 'csv').values()].flat();
    expect(rows.length).toBe(expected.length);
    rows.forEach((row, i) => {
      const want = expected[i]!;
      expect(Math.abs(row.score - want.score)).toBeLessThan(1e-4);
      for (const [k, edge] of row.bbox.entries()) expect(Math.abs(edge - want.bbox[k]!)).toBeLessThan(0.01);
      expect(Math.abs(row.area - want.area)).toBeLessThanOrEqual(2); // pixels whose probability is 0.5, but for rounding
    });
    const coco: CocoResult[] = JSON.parse(new TextDecoder().decode(await saved('COCO JSON')));
    const areas = coco.map(({ segmentation }) => decodeRle(segmentation!).reduce((sum, bit) => sum + bit, 0));
    expect(areas).toEqual(rows.map(({ area }) => area));
    const files = unzipSync(await saved('Masks, PNG (zip)'));
    expect(Object.keys(files).length).toBe(expected.length);
    const png = await decoded(Object.values(files)[0]!);
    const white = png.data.reduce((sum, byte, i) => sum + (i % 4 === 0 && byte === 255 ? 1 : 0), 0);
    expect([png.width, png.height, white]).toEqual([WIDTH, HEIGHT, areas[0]]);
    const { width, height } = await decoded(await saved('Picture, PNG'));
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    await button('Copy link').click();
  });

  test('edits: cut out, blur, erase, undo', async () => {
    await tab('Objects');
    await page.locator('#instances button').first().click();
    await tab('Edit');
    const cut = await decoded(await download(button('Cut out as PNG').click()));
    const opaque = cut.data.reduce((sum, byte, i) => sum + (i % 4 === 3 && byte === 255 ? 1 : 0), 0);
    expect(Math.abs(opaque - found[0]!.area)).toBeLessThanOrEqual(2);

    for (const layer of ['masks', 'outlines', 'labels']) await page.getByLabel(layer).uncheck();
    const edited = async () => decoded(await saved('Picture, PNG'));
    const inside = decodeRle(found[0]!.segmentation!);
    const changed = ({ data }: { data: ArrayLike<number> }, within: boolean) =>
      inside.reduce(
        (sum, bit, i) => sum + (bit === Number(within) && data[4 * i] !== plain.data[4 * i] ? 1 : 0),
        0,
      );

    await tab('Edit');
    await button('Recolour').click();
    await button('Undo (1)').waitFor();
    await page.locator('#canvas').press('Escape'); // selected objects are drawn over the picture
    const recoloured = await edited();
    expect([changed(recoloured, true) < 5, changed(recoloured, false) > 0.5 * WIDTH * HEIGHT]).toEqual([
      true,
      true,
    ]);
    await tab('Edit');
    await button('Undo (1)').click();

    await tab('Objects');
    await page.locator('#instances button').first().click();
    await tab('Edit');
    await button('Erase').click();
    await button('Undo (1)').waitFor();
    expect(await count()).toBe(shown(0.3).length - 1);
    const erased = await edited();
    expect(changed(erased, true)).toBeGreaterThan(0.8 * found[0]!.area);
    expect(changed(erased, false)).toBeLessThan(2 * found[0]!.area); // its edge
    await page.screenshot({ path: `${SHOTS}/detect_erased.png` });
    await tab('Edit');
    await button('Undo (1)').click();
    expect(await count()).toBe(shown(0.3).length);
    expect([changed(await edited(), true), changed(await edited(), false)]).toEqual([0, 0]);
    for (const layer of ['masks', 'outlines']) await page.getByLabel(layer).check();
  });

  test('Faster R-CNN beside Mask R-CNN', { timeout: TIMEOUT }, async () => {
    await tab('Compare');
    await button('Compare').click();
    await page.locator('#verdict').waitFor({ timeout: TIMEOUT });
    const cells = await page.locator('#comparison tbody tr').first().locator('td').allTextContents();
    expect(cells).toEqual([String(found.length), String(found.length)]);
    const [faster, mask] = await page.locator('#comparison tbody tr').nth(2).locator('td').allTextContents();
    expect(Number.parseFloat(mask!)).toBeGreaterThan(Number.parseFloat(faster!));
    await page.screenshot({ path: `${SHOTS}/detect_compare.png`, fullPage: true });
  });

  test('nothing hinders whoever uses a screen reader, in light and dark; nothing sticks out on a phone', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [theme, id, nodes[0]?.html])).toEqual([]);
      await page.screenshot({ path: `${SHOTS}/detect_${theme}_compare.png` });
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.screenshot({ path: `${SHOTS}/detect_phone.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light' });
    await button(/Colours/).click();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('light');
  });

  test('a lost device: the model is loaded anew, and looks again', { timeout: TIMEOUT }, async () => {
    await page.evaluate(() => (globalThis as unknown as { engine: Lossy }).engine.api.detect.loseDevice());
    await page.getByRole('alert').getByText('The GPU was lost').waitFor();
    await page.getByText('The GPU is back').waitFor({ timeout: TIMEOUT });
    await button('Close this message').first().click();
    expect(await count()).toBe(shown(0.3).length);
  });

  test('wrong files are told of, a download is cancelled', async () => {
    const text = { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
    await page.locator('#file').setInputFiles(text);
    await page.getByRole('alert').getByText('a.txt is no picture').waitFor();
    await page.route(PUBLISHED, () => {}); // never answers
    await page.locator('#model').selectOption('maskrcnn2go');
    await button('Cancel').click();
    await page.getByText('No model is loaded').waitFor();
    const weights = { name: 'a.safetensors', mimeType: '', buffer: Buffer.from('no weights at all') };
    await page.locator('#weights').setInputFiles(weights);
    await page
      .getByRole('alert')
      .getByText(/header|safetensors/)
      .waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

interface Lossy {
  api: { detect: { loseDevice(): Promise<void> } };
}

describe('live', () => {
  test('the camera is followed, counted and photographed', { timeout: TIMEOUT }, async () => {
    ({ page, faults } = await site.open(`#size=96&score=0.05&line=0.5+0.05+0.5+0.95`));
    await done();
    await button('Camera').click();
    await page.getByRole('tab', { name: 'Follow' }).waitFor();
    await page.getByRole('button', { name: /End 1 of the counting line/ }).press('ArrowRight');
    expect(page.url()).toContain('line=0.520');
    const seen = () => page.locator('#canvas').getAttribute('aria-label');
    await expect.poll(seen, { timeout: TIMEOUT }).toContain('Camera'); // after a run of the network
    await page.screenshot({ path: `${SHOTS}/detect_camera.png` });
    await button('Pause').click();
    await button('Go on').click();
    await button('Take the picture').click();
    await done();
    await page.locator('#canvas[aria-label^="photograph.png"]').waitFor();
    expect(faults).toEqual([]);
  });
});

describe('without WebGPU', () => {
  test('the page says what to do, and is not blank', async () => {
    const context = await site.browser.newContext(); // axe wants a page of one
    const page = await context.newPage();
    await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
    await page.goto(site.url);
    await page.getByRole('heading', { name: 'This page needs WebGPU' }).waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    await page.screenshot({ path: `${SHOTS}/detect_no_webgpu.png` });
    await context.close();
  });
});
