// What the page Detect hands out, in Chromium: files, edits, and the comparison of Faster and Mask R-CNN. Everything
// equals what the engine told the page, number for number and pixel for pixel.

import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CocoResult } from '../../src/results/coco';
import { readCsv } from '../../src/results/csv';
import { decodeRle } from '../../src/rle';
import {
  DetectPage,
  decoded,
  HEIGHT,
  nucleiCrop,
  type Pixels,
  SIZE,
  TIMEOUT,
  type Told,
  WIDTH,
} from './detect_page';
import { openSite, SHOTS, type Site } from './site';

const SCORE = 0.3;

let site: Site;
let detect: DetectPage;
let plain: Pixels;
let told: Told[];

beforeAll(async () => {
  site = await openSite();
  const { png, pixels } = await nucleiCrop();
  plain = pixels;
  detect = await DetectPage.open(site, `#size=${SIZE}&score=${SCORE}`);
  await detect.choose('crop.png', png);
  told = await detect.told(SCORE);
}, TIMEOUT);
afterAll(() => site?.close());

const text = async (name: string) => new TextDecoder().decode(await detect.saved(name));
const areaOf = ({ bits }: Told) => bits.replaceAll('0', '').length;

/** The mean of the mask's pixels' centres. */
function centroidOf({ bits }: Told): [x: number, y: number] {
  let [x, y] = [0, 0];
  [...bits].forEach((bit, i) => {
    if (bit === '0') return;
    x += (i % WIDTH) + 0.5;
    y += Math.floor(i / WIDTH) + 0.5;
  });
  return [x, y].map((sum) => sum / areaOf({ bits } as Told)) as [number, number];
}

test('CSV: class, score, box, area and centroid of each', async () => {
  expect(told.length).toBeGreaterThan(4);
  const rows = [...readCsv(await text('Measures, CSV'), 'csv').values()].flat();
  expect(rows.length).toBe(told.length);
  rows.forEach((row, i) => {
    const { box, label, score } = told[i]!;
    expect([row.category, row.area]).toEqual([label, areaOf(told[i]!)]);
    expect(Math.abs(row.score - score)).toBeLessThan(1e-8);
    const [x, y, width, height] = row.bbox;
    const edges = [x, y, x + width, y + height];
    for (const [k, edge] of edges.entries()) expect(Math.abs(edge - box[k]!)).toBeLessThanOrEqual(0.0101); // in hundredths
    const [across, down] = centroidOf(told[i]!);
    expect(Math.abs(row.centroid![0] - across)).toBeLessThanOrEqual(0.0051);
    expect(Math.abs(row.centroid![1] - down)).toBeLessThanOrEqual(0.0051);
  });
  const measures = await detect.page.locator('#measures tbody tr').first().locator('td').allTextContents();
  const { area, centroid, perimeter } = rows[0]!;
  const places = centroid!.map((at) => at.toFixed(1)).join(', ');
  expect(measures).toEqual(['1 nucleus', String(area), places, perimeter.toFixed(1)]);
});

test('COCO JSON: every detection with its mask', async () => {
  const results: CocoResult[] = JSON.parse(await text('COCO JSON'));
  expect(results.map(({ category, category_id }) => [category, category_id])).toEqual(
    told.map(({ label, classIndex }) => [label, classIndex]),
  );
  results.forEach(({ segmentation, score, bbox: [x, y, width, height], file_name }, i) => {
    expect(file_name).toBe('crop.png');
    expect(segmentation!.size).toEqual([HEIGHT, WIDTH]);
    expect([...decodeRle(segmentation!)].join('')).toBe(told[i]!.bits);
    expect(Math.fround(score)).toBe(told[i]!.score);
    [x, y, x + width, y + height].forEach((edge, k) => {
      expect(Math.abs(edge - told[i]!.box[k]!)).toBeLessThanOrEqual(0.0101);
    });
  });
});

test('mask PNGs: of all, or of those that are selected', async () => {
  const files = unzipSync(await detect.saved('Masks, PNG (zip)'));
  expect(Object.keys(files)).toEqual(told.map((_, i) => `crop_${i + 1}_nucleus.png`));
  const [, second] = Object.values(files);
  expect(whites(await decoded(second!))).toBe(told[1]!.bits);
  await select(1);
  expect(Object.keys(unzipSync(await detect.saved('Masks, PNG (zip)')))).toEqual(['crop_2_nucleus.png']);
  const results: CocoResult[] = JSON.parse(await text('COCO JSON'));
  expect(results.map(({ score }) => Math.fround(score))).toEqual([told[1]!.score]);
  await unselect();
});

test('the picture, as it is and with what was found', async () => {
  const drawn = await decoded(await detect.saved('Picture, PNG'));
  expect([drawn.width, drawn.height]).toEqual([WIDTH, HEIGHT]);
  const inside = [...told[0]!.bits].filter(
    (bit, i) => bit === '1' && drawn.data[4 * i] !== plain.data[4 * i],
  );
  expect(inside.length).toBeGreaterThan(0.8 * areaOf(told[0]!));
  for (const layer of ['masks', 'outlines', 'labels']) await detect.page.getByLabel(layer).uncheck();
  expect((await picture()).data).toEqual(plain.data);
});

test('cut out: opaque where the mask is, clear elsewhere, the picture’s colours', async () => {
  await select(0);
  await detect.tab('Edit');
  const { name, bytes } = await detect.download(() => detect.button('Cut out as PNG').click());
  expect(name).toBe('crop_1_nucleus.png');
  const cut = await decoded(bytes);
  const ones = [...told[0]!.bits].flatMap((bit, i) => (bit === '1' ? [i] : []));
  const [left, right] = edgesOf(ones.map((i) => i % WIDTH));
  const [top, bottom] = edgesOf(ones.map((i) => Math.floor(i / WIDTH)));
  expect([cut.width, cut.height]).toEqual([right - left + 1, bottom - top + 1]);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const at = y * WIDTH + x;
      const place = 4 * ((y - top) * cut.width + x - left);
      const wanted = told[0]!.bits[at] === '1' ? [...plain.data.slice(4 * at, 4 * at + 4)] : [0, 0, 0, 0];
      expect([...cut.data.slice(place, place + 4)]).toEqual(wanted);
    }
  }
  await unselect();
});

test('the background is recoloured, made grey, blurred; undone, it is as before', async () => {
  const { page } = detect;
  const objects = [...plain.data.keys()]
    .slice(0, WIDTH * HEIGHT)
    .map((i) => told.some(({ bits }) => bits[i] === '1'));
  const edited = async (click: () => Promise<void>) => {
    await detect.tab('Edit');
    await click();
    await detect.button('Undo (1)').waitFor();
    const after = await picture();
    objects.forEach((object, i) => {
      if (object) expect(pixel(after, i)).toEqual(pixel(plain, i));
    });
    await page.screenshot({ path: `${SHOTS}/detect_edit.png` });
    await detect.tab('Edit');
    await detect.button('Undo (1)').press('Enter');
    expect((await picture()).data).toEqual(plain.data);
    return after;
  };
  const outside = objects.flatMap((object, i) => (object ? [] : [i]));
  await detect.tab('Edit');
  await page.getByLabel('Colour of the background').fill('#102030');
  const recoloured = await edited(() => detect.button('Recolour').click());
  expect(outside.every((i) => pixel(recoloured, i).join() === '16,32,48,255')).toBe(true);
  const grey = await edited(() => detect.button('Grey').click());
  expect(outside.every((i) => new Set(pixel(grey, i).slice(0, 3)).size === 1)).toBe(true);
  await detect.tab('Edit');
  expect(await page.getByLabel('Colour of the background').inputValue()).toBe('#102030');
  await page.getByRole('slider', { name: /Blur/ }).fill('8');
  const blurred = await edited(() => detect.button('Blur').click());
  expect(roughness(blurred, outside)).toBeLessThan(0.5 * roughness(plain, outside));
});

test('erased: it is gone from picture, list and count, and comes back', async () => {
  const count = await detect.count();
  await select(0);
  await detect.tab('Edit');
  await detect.button('Erase').click();
  await detect.button('Undo (1)').waitFor();
  expect(await detect.count()).toBe(count - 1);
  const after = await picture();
  let [inside, outside] = [0, 0];
  [...told[0]!.bits].forEach((bit, i) => {
    if (pixel(after, i).join() === pixel(plain, i).join()) return;
    if (bit === '1') inside++;
    else outside++;
  });
  expect(inside).toBeGreaterThan(0.8 * areaOf(told[0]!));
  expect(outside).toBeLessThan(2 * areaOf(told[0]!)); // its edge
  await detect.tab('Edit');
  await detect.button('Undo (1)').click();
  expect(await detect.count()).toBe(count);
  expect((await picture()).data).toEqual(plain.data);
  for (const layer of ['masks', 'outlines', 'labels']) await detect.page.getByLabel(layer).check();
});

test('Faster R-CNN beside Mask R-CNN: the same boxes, and what masks cost', {
  timeout: TIMEOUT,
}, async () => {
  await detect.tab('Compare');
  const before = await detect.runs();
  await detect.button('Compare').click();
  await detect.page.locator('#verdict').waitFor({ timeout: TIMEOUT });
  const runs = await detect.page.evaluate(
    (from) =>
      (window.runs as unknown as Run[]).slice(from).map(({ timing, detections }) => ({
        ms: timing.runMs,
        boxes: detections.map(({ box }) => box),
        masks: detections.filter(({ mask }) => mask).length,
      })),
    before,
  );
  expect(runs.length).toBe(8); // one each that is not counted, then three
  const [faster, mask] = [0, 1].map((which) => runs.filter((_, i) => i % 2 === which)) as [
    typeof runs,
    typeof runs,
  ];
  expect(faster.every(({ masks }) => masks === 0)).toBe(true);
  expect(mask.every(({ masks, boxes }) => masks === boxes.length)).toBe(true);
  expect(faster[1]!.boxes).toEqual(mask[1]!.boxes);
  const median = (side: typeof runs) =>
    side
      .slice(1)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b)[1]!;
  const rows = detect.page.locator('#comparison tbody tr');
  const cells = (row: number) => rows.nth(row).locator('td').allTextContents();
  expect(await cells(0)).toEqual([faster, mask].map(([run]) => String(run!.boxes.length)));
  expect(await cells(1)).toEqual([faster, mask].map((side) => milliseconds(median(side))));
  const boxes = told.reduce((sum, { box: [x1, y1, x2, y2] }) => sum + (x2 - x1) * (y2 - y1), 0);
  const share = told.reduce((sum, each) => sum + areaOf(each), 0) / boxes;
  expect(await detect.page.locator('#verdict').textContent()).toContain(`fill ${Math.round(100 * share)} %`);
  const [lighter, heavier] = (await cells(2)).map(Number.parseFloat);
  expect(heavier!).toBeGreaterThan(lighter!);
  await detect.page.screenshot({ path: `${SHOTS}/detect_compare.png`, fullPage: true });
  expect(detect.faults).toEqual([]);
});

interface Run {
  timing: { runMs: number };
  detections: { box: number[]; mask?: unknown }[];
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

async function select(index: number): Promise<void> {
  await detect.tab('Objects');
  await detect.page.locator('#instances button').nth(index).click();
}

async function unselect(): Promise<void> {
  await detect.page.locator('#canvas').press('Escape');
}

async function picture(): Promise<Pixels> {
  await unselect(); // selected objects are drawn over the picture
  return decoded(await detect.saved('Picture, PNG'));
}

function pixel({ data }: Pixels, i: number): number[] {
  return [...data.slice(4 * i, 4 * i + 4)];
}

function whites({ data }: Pixels): string {
  return Array.from({ length: data.length / 4 }, (_, i) => (data[4 * i] === 255 ? 1 : 0)).join('');
}

function edgesOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The mean difference of neighbours along a row. */
function roughness({ data }: Pixels, at: readonly number[]): number {
  const there = new Set(at);
  const steps = at.filter((i) => (i + 1) % WIDTH > 0 && there.has(i + 1));
  return steps.reduce((sum, i) => sum + Math.abs(data[4 * i]! - data[4 * i + 4]!), 0) / steps.length;
}
