// The page Explore in Chromium: each chapter and each control, on the bundled picture, on a photograph of the visitor's,
// and, where the published weights are, with MaskRCNN2Go on an everyday photograph. Then what goes wrong: cancelled runs,
// wrong files, a lost GPU. Leaves pictures of every chapter in out/explore/, and looks at them with axe.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chapters1To4 } from './explore/chapters_1_to_4';
import { chapters5To7 } from './explore/chapters_5_to_7';
import { chapters8To12 } from './explore/chapters_8_to_12';
import { watchLoads } from './explore/first_load';
import { open, type Stage, stageOf, TIMEOUT } from './explore/stage';
import { openSite, type Site } from './site';

const shared = process.env.SHARED_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const published = `${shared}/maskrcnn2go`;
const absent = !existsSync(`${published}/model_init.pb`);
if (absent) console.info(`skipped: ${published} is not there; it holds the published weights`);

/** Where the tissue's corner begins that is shown: 160 x 128 pixels. */
const TISSUE = [-160, -128] as const;

const FIRST_LOAD = 250_000; // bytes, compressed

const faults: string[] = [];
let site: Site;
let page: Page;

beforeAll(async () => {
  site = await openSite();
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 1000 } });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
}, TIMEOUT);

afterAll(() => site?.close());
afterEach(() => expect(faults.splice(0)).toEqual([]));

/** Waits until a run of a picture of this size is shown. */
const shown = (width: number, height: number) =>
  page.getByText(`${width} × ${height} px, resized to`).waitFor({ timeout: TIMEOUT });

function chapters(stage: () => Stage): void {
  chapters1To4(stage);
  chapters5To7(stage);
  chapters8To12(stage);
}

describe('the bundled picture', () => {
  let stage: Stage;
  let loaded: Map<string, number>;
  beforeAll(async () => {
    const loads = watchLoads(page);
    await page.goto(`${site.url}explore.html?size=128&proposals=300&objects=30#/1`);
    await shown(480, 360);
    stage = await stageOf('nuclei', page, true);
    loaded = await loads();
  }, TIMEOUT);

  test('the first load is small', () => {
    const bytes = [...loaded.values()].reduce((a, b) => a + b, 0);
    console.info(`first load of Explore: ${bytes} bytes: ${[...loaded].join(', ')}`);
    expect(loaded.size).toBeGreaterThan(4);
    expect(bytes).toBeLessThanOrEqual(FIRST_LOAD);
  });

  chapters(() => stage);
});

describe('a photograph of the visitor’s: stained tissue', () => {
  let stage: Stage;
  beforeAll(async () => {
    const canvas = createCanvas(160, 128);
    canvas.getContext('2d').drawImage(await loadImage('demo/public/tissue.png'), ...TISSUE);
    const buffer = canvas.toBuffer('image/png');
    await page.goto(`${site.url}explore.html?size=128&proposals=300&objects=30`);
    // at once: the sample's run is given up
    await page
      .getByLabel('Your picture')
      .setInputFiles({ name: 'tissue.png', mimeType: 'image/png', buffer });
    await shown(160, 128);
    stage = await stageOf('tissue', page);
  }, TIMEOUT);
  chapters(() => stage);
});

describe.skipIf(absent)('MaskRCNN2Go, as published, and a cup of espresso', () => {
  let stage: Stage;
  beforeAll(async () => {
    await page.goto(`${site.url}explore.html?size=192&proposals=300&objects=30&picture=coffee`);
    await page
      .getByRole('combobox', { name: 'Picture' })
      .locator('option:checked', { hasText: 'espresso' })
      .waitFor({ state: 'attached' });
    await page
      .getByLabel('Your model')
      .setInputFiles(['model.pb', 'model_init.pb'].map((name) => `${published}/${name}`));
    await page.waitForFunction(
      () => (globalThis as unknown as Classed).run.value?.info.classes.length === 81,
      undefined,
      { timeout: TIMEOUT },
    );
    await shown(640, 427);
    stage = await stageOf('maskrcnn2go', page);
  }, TIMEOUT);
  chapters(() => stage);
});

describe('what goes wrong', () => {
  const alert = (text: string | RegExp) => page.getByRole('alert').getByText(text).waitFor();

  test('a run shows how far it is, and is cancelled', { timeout: TIMEOUT }, async () => {
    await page.goto(`${site.url}explore.html?size=512&proposals=300&objects=30#/3`);
    const bar = page.getByRole('progressbar', { name: 'Running every layer' });
    await expect.poll(() => bar.getAttribute('value'), { timeout: TIMEOUT, interval: 100 }).not.toBeNull();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('The view comes with the first run').waitFor();
    await expect.poll(() => bar.count()).toBe(0);
    await page.getByRole('combobox', { name: 'Short side' }).selectOption('128');
    await shown(480, 360);
    expect(page.url()).toContain('size=128');
    await page.getByRole('application', { name: 'channel 0' }).waitFor();
  });

  test('a lost GPU: the model is loaded anew, and the picture runs again', { timeout: TIMEOUT }, async () => {
    await page.evaluate(() => (globalThis as unknown as Lossy).run.value.loseDevice());
    await alert('The GPU was lost');
    await page.getByText('The GPU is back').waitFor({ timeout: TIMEOUT });
    await page.getByRole('application', { name: 'channel 0' }).waitFor();
    await page.getByRole('button', { name: 'Close this message' }).first().click();
  });

  test('files that are no picture and no model', { timeout: TIMEOUT }, async () => {
    const text = { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
    await page.getByLabel('Your picture').setInputFiles(text);
    await alert('a.txt is no picture');
    await page.getByRole('application', { name: 'channel 0' }).waitFor(); // the run is still there
    const weights = { name: 'a.safetensors', mimeType: '', buffer: Buffer.from('no weights at all') };
    await page.getByLabel('Your model').setInputFiles(weights);
    await alert(/header|safetensors/);
  });

  test('a picture in which nothing is found: every chapter says so', { timeout: TIMEOUT }, async () => {
    const buffer = createCanvas(96, 72).toBuffer('image/png');
    await page.route('**/nuclei*.png', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1500)); // the sample comes after what was chosen in its place
      await route.continue();
    });
    await page.goto(`${site.url}explore.html?size=128&proposals=300&objects=30#/1`);
    await page.getByLabel('Your picture').setInputFiles({ name: 'black.png', mimeType: 'image/png', buffer });
    await shown(96, 72);
    const stage = await stageOf('black', page);
    expect(stage.info.found).toEqual([]);
    for (const [chapter, text] of [
      ['1', 'Nothing is there'],
      ['7', 'found nothing'],
      ['8', 'No proposal has a class'],
      ['9', 'found nothing'],
      ['10', 'found nothing'],
    ] as const) {
      const view = await open(stage, chapter);
      await view.getByText(text).first().waitFor();
    }
    const rule = await open(stage, '6');
    await rule.getByRole('button', { name: 'detections' }).click();
    await rule.getByText('The run has no detections').waitFor();
    await rule.getByRole('button', { name: 'proposals' }).click();
    await rule.getByRole('table', { name: 'proposals by level' }).waitFor();
    const maps = await open(stage, '3');
    await page.getByRole('combobox', { name: 'Node' }).selectOption('roi_heads.mask_predictor.conv5_mask');
    await maps.getByText('no region for this node').waitFor();
    for (const chapter of ['2', '4', '5', '11', '12', 'free']) await open(stage, chapter);
    await shown(96, 72);
    await page.unroute('**/nuclei*.png');
  });

  test('no WebGPU: the page says what to do', async () => {
    const context = await site.browser.newContext();
    const other = await context.newPage();
    await other.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
    await other.goto(`${site.url}explore.html`);
    await other.getByRole('heading', { name: 'This page needs WebGPU' }).waitFor();
    await context.close();
  });
});

interface Classed {
  run: { value?: { info: { classes: string[] } } };
}

/** What the page leaves for tests. */
interface Lossy {
  run: { value: { loseDevice(): Promise<void> } };
}
