// The page Explore in Chromium, chapters 1 to 6 and the free mode: each opens, each control acts, what is shown equals
// the tensors of the run (which the test asks the page's own engine for, and works out by the library's rules), axe
// finds nothing, nothing sticks out on a phone. Leaves pictures of every chapter in out/explore/.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExploreModel, type ExploreRun } from '../../demo/engine/explore_run';
import { levelOf, ruleOf } from '../../demo/explore/logic/level_rule';
import { compact, short } from '../../demo/explore/logic/numbers';
import {
  levelCounts,
  RPN_TABLES,
  type RpnTables,
  rpnLevels,
  sigmoid,
  tablesOf,
} from '../../demo/explore/logic/rpn';
import { valueAt } from '../../demo/explore/logic/slices';
import { fileSource } from '../../src/file_source';
import { launchChromium } from '../chromium';
import { picture } from '../engine';
import { testDevice } from '../gpu';
import { serve, type WebServer } from '../web_server';

const TIMEOUT = 300_000;
const PICTURE = 'tests/images/nuclei_192x256.png';
const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-explore-'));
const faults: string[] = [];
let server: WebServer | undefined;
let browser: Browser | undefined;
let page: Page;
let model: ExploreModel;
/** The same run in Node, on another adapter: numbers agree to some digits. */
let run: ExploreRun;
let tables: RpnTables;

beforeAll(async () => {
  const configFile = 'vite.demo.config.ts';
  await build({ configFile, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  server = await serve({ '/some/folder/': folder });
  model = await ExploreModel.load(fileSource('models/nuclei.safetensors'), { device: await testDevice() });
  run = await model.run(await picture(PICTURE), { minSize: 128 });
  tables = tablesOf(await Promise.all(Object.values(RPN_TABLES).map((label) => run.tensor(label))));
  browser = await launchChromium();
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  page = await context.newPage();
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  mkdirSync('out/explore', { recursive: true });
  // the sample is not needed: the visitor's own picture comes at once, and its run replaces that of the sample
  await page.goto(`${server.url}/some/folder/explore.html?size=128#/1`);
  await page.getByLabel('Your picture').setInputFiles(PICTURE);
  await page.getByText(/256 × 192 px, resized to .* nodes in/).waitFor({ timeout: TIMEOUT });
}, TIMEOUT);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  run?.destroy();
  model?.destroy();
  rmSync(folder, { recursive: true });
});

async function open(id: string, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Chapters' }).getByRole('link', { name: title }).click();
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  expect(new URL(page.url()).hash).toBe(`#/${id}`);
}

/** Nothing for axe to find, and a picture for people. */
async function check(name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  await page.screenshot({ path: `out/explore/${name}.png`, fullPage: true });
}

/** A number as `short` writes it. */
function numberOf(text: string | null | undefined): number {
  return Number((text ?? '').replace('−', '-').replaceAll(',', ''));
}

test('1: the four tasks', { timeout: TIMEOUT }, async () => {
  await open('1', 'Four tasks');
  const sure = run.info.found.filter(({ score }) => score >= 0.5).length;
  for (const [task, text] of [
    ['Classification', `There is: nucleus (${run.info.found[0]!.score.toFixed(2)}).`],
    ['Localisation', 'The surest is a nucleus'],
    ['Detection', `${sure} × nucleus, each in its box.`],
    ['Instance segmentation', `${sure} × nucleus; their masks cover`],
  ] as const) {
    await page.getByRole('button', { name: task, exact: true }).click();
    await page.locator('.answer').getByText(text).waitFor();
  }
  await page.getByRole('slider', { name: 'Score at least' }).fill('0.99');
  const certain = run.info.found.filter(({ score }) => score >= 0.99).length;
  await page
    .locator('.answer')
    .getByText(certain ? `${certain} ×` : 'Nothing')
    .waitFor();
  await page.getByRole('slider', { name: 'Score at least' }).fill('0.5');
  await check('1_tasks');
});

test('2: the map, with costs and shader of each node', { timeout: TIMEOUT }, async () => {
  await open('2', 'The whole graph');
  const map = page.getByRole('listbox');
  // whether a long sum is split in two nodes is the adapter's affair
  const whole = (labels: readonly string[]) => labels.filter((label) => !label.endsWith('.parts'));
  await map.getByRole('option').first().waitFor();
  const shown = await map.getByRole('option').evaluateAll((all) => all.map((each) => each.ariaLabel ?? ''));
  expect(whole(shown)).toEqual(whole(run.info.nodes.map(({ label }) => label)));
  await map.getByRole('option', { name: 'backbone.body.layer2.0.conv1', exact: true }).click();
  const details = page.getByRole('region', { name: 'Node backbone.body.layer2.0.conv1' });
  const node = run.info.nodes.find(({ label }) => label === 'backbone.body.layer2.0.conv1')!;
  await details.getByText(compact(node.macs)).waitFor();
  await details.getByText(`f32 ${node.outputs[0]!.shape.join(' × ')}`).waitFor();
  await page.locator('.source').getByText(`fn ${node.kernel}`).waitFor();
  // the next node by keyboard
  await map.press('ArrowRight');
  const after = run.info.nodes[run.info.nodes.indexOf(node) + 1]!;
  await page.getByRole('region', { name: `Node ${after.label}` }).waitFor();
  await page.getByRole('button', { name: 'multiply-adds' }).click();
  await check('2_map');
});

test('3: feature maps; values and sums are those of the run', { timeout: TIMEOUT }, async () => {
  await open('3', 'Feature maps');
  const label = 'backbone.body.layer1.1.conv2';
  await page.getByRole('combobox', { name: 'Node' }).selectOption(label);
  const map = page.getByRole('application', { name: label });
  await page.getByRole('slider', { name: 'Channel, on a sheet' }).press('ArrowRight');
  await page.getByText('Channel 1 of 48').waitFor();
  await map.focus();
  await map.press('ArrowRight');
  await map.press('ArrowLeft'); // where it began: at the channel's greatest number
  const [, y, x] = /Row (\d+), column (\d+)/.exec(
    (await page.locator('h2:has([data-value])').textContent())!,
  )!;
  const want = valueAt(await run.tensor(label), Number(y), Number(x), 1);
  expect(numberOf(await page.locator('[data-value]').textContent())).toBeCloseTo(want, 2);
  expect(want).toBeGreaterThan(1);
  // the sum, in double precision, against the run's own number
  const equation = page.locator('.equation');
  await equation.waitFor();
  const [here, theirs] = [equation.locator('b').nth(0), equation.locator('[data-output]')];
  expect(numberOf(await here.textContent())).toBeCloseTo(numberOf(await theirs.textContent()), 3);
  const rows = page.getByRole('table', { name: 'The greatest of' }).getByRole('row');
  const before = await rows.count();
  await page.getByRole('button', { name: 'More products' }).click();
  await expect.poll(() => rows.count()).toBeGreaterThan(before);
  for (const scale of ['magma', 'grey', 'diverging', 'viridis']) {
    await page.getByRole('button', { name: scale }).click();
  }
  await page.getByRole('button', { name: 'the layer' }).click();
  expect(await page.locator('[data-field]').getAttribute('data-field')).toMatch(/^\d+ \d+ \d+ \d+$/);
  await check('3_feature_maps');
});

test('4: lateral and what comes down make the sum', { timeout: TIMEOUT }, async () => {
  await open('4', 'The feature pyramid');
  await page.getByRole('slider', { name: 'Channel' }).fill('7');
  const map = page.getByRole('application', { name: 'P2: output' });
  await map.focus();
  await map.press('ArrowLeft');
  for (const [level, index] of [
    ['P3', 1],
    ['P2', 0],
  ] as const) {
    const line = (await page.locator(`[data-level="${level}"]`).textContent())!;
    const found = /Row (\d+), column (\d+): (\S+) \+ (\S+) = (\S+); output (\S+)/.exec(line)!;
    const [y, x, lateral, down, sum, output] = found.slice(1).map(numberOf) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const at = async (label: string) => valueAt(await run.tensor(label), y, x, 7);
    expect(lateral).toBeCloseTo(await at(`backbone.fpn.inner_blocks.${index}.0`), 2);
    expect(sum).toBeCloseTo(await at(`backbone.fpn.top_down.${index}`), 2);
    expect(output).toBeCloseTo(await at(`backbone.fpn.layer_blocks.${index}.0`), 2);
    expect(lateral + down).toBeCloseTo(sum, 2);
  }
  await page.getByRole('button', { name: 'Play' }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('slider', { name: 'Of what comes down' }).fill('0.5');
  await page.getByRole('application', { name: '50 % of what comes down' }).first().waitFor();
  await check('4_pyramid');
});

test('5: anchors, deltas, counts, and the film of suppression', { timeout: TIMEOUT }, async () => {
  await open('5', 'Region proposals');
  await page.getByRole('button', { name: 'P3', exact: true }).click();
  const map = page.getByRole('application', { name: 'Objectness of P3' });
  await map.focus();
  await map.press('ArrowUp');
  await map.press('ArrowRight');
  const line = (await page.locator('[data-objectness]').textContent())!;
  const [, y, x, shown] = /row (\d+), column (\d+): ([\d., ]+)\. Dashed/.exec(line)!;
  const levels = rpnLevels(run.info);
  const logits = await run.tensor(levels[1]!.objectness.outputs[0]!.label);
  shown!.split(', ').forEach((text, a) => {
    expect(Number(text)).toBeCloseTo(sigmoid(valueAt(logits, Number(y), Number(x), a)), 2);
  });
  await page.getByRole('checkbox', { name: 'anchors of every level' }).check();
  await page.getByRole('button', { name: /24 × 24 px/ }).click();

  const counts = levelCounts(levels, tables);
  for (const [step, wanted] of Object.entries(counts[1]!)) {
    const cell = page.getByRole('row', { name: /^P3/ }).locator(`[data-step="${step}"]`);
    expect(numberOf(await cell.textContent()), step).toBe(wanted);
  }
  const film = page.locator('[data-film]');
  await film.getByText('the very ones of the run').waitFor();
  const kept = async () => Number((await film.getAttribute('data-film'))!.split(' ')[0]);
  expect(await kept()).toBe(counts[1]!.kept);
  await page.getByRole('slider', { name: 'Suppressed above' }).fill('0.3');
  await expect.poll(kept).toBeLessThan(counts[1]!.kept);
  await page.getByRole('slider', { name: 'Step' }).fill('3');
  await page.getByText(/^Box \d+, score .* stays/).waitFor();
  await page.getByRole('button', { name: 'Play' }).click();
  await expect.poll(() => page.getByRole('slider', { name: 'Step' }).inputValue()).not.toBe('3');
  await page.getByRole('button', { name: 'Pause' }).click();
  await check('5_proposals');
});

test('6: the level rule', { timeout: TIMEOUT }, async () => {
  await open('6', 'The level rule');
  const rule = ruleOf(run.info.nodes.find(({ label }) => label === 'roi_heads.box_roi_pool')!);
  const boxes = await run.tensor('rpn.gather_detections.detections');
  const all = tables.count.data[0]!;
  const levels = Array.from({ length: all }, (_, i) => levelOf(rule, boxes.data, 4 * i));
  for (const [i, level] of rule.levels.entries()) {
    const cell = page.locator(`[data-count="${level}"]`);
    await expect
      .poll(async () => numberOf(await cell.textContent()))
      .toBe(levels.filter((found) => found === i).length);
  }
  await page.getByRole('slider', { name: 'One of them' }).fill('5');
  const [x1, y1, x2, y2] = boxes.data.subarray(20, 24) as unknown as [number, number, number, number];
  await page
    .getByText(`= ${short(Math.sqrt((x2 - x1) * (y2 - y1)))} px`)
    .first()
    .waitFor();
  await page.getByRole('slider', { name: 'Side that belongs' }).fill('28');
  const moved = page.locator(`[data-count="${rule.levels[0]}"]`);
  await expect.poll(async () => numberOf(await moved.textContent())).toBeLessThan(all);
  await page.getByRole('button', { name: 'detections' }).click();
  await page.getByRole('table', { name: 'detections by level' }).waitFor();
  await check('6_level_rule');
});

test('the free mode has everything of a node; keys turn pages', { timeout: TIMEOUT }, async () => {
  await open('free', 'Free mode');
  await page.getByRole('option', { name: 'backbone.fpn.layer_blocks.0.0', exact: true }).click();
  await page.getByRole('application', { name: 'backbone.fpn.layer_blocks.0.0' }).waitFor();
  await page.locator('.equation').waitFor();
  await check('free_mode');
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => new URL(page.url()).hash).not.toBe('#/free');
});

test('a phone: nothing sticks out, in the dark too', { timeout: TIMEOUT }, async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const [id, title] of [
    ['1', 'Four tasks'],
    ['2', 'The whole graph'],
    ['3', 'Feature maps'],
    ['4', 'The feature pyramid'],
    ['5', 'Region proposals'],
    ['6', 'The level rule'],
  ] as const) {
    await open(id, title);
    await expect.poll(() => page.locator('.waiting').count()).toBe(0);
    const across = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(across, title).toBeLessThanOrEqual(360);
    await check(`phone_${id}`);
  }
});

test('nothing failed on the page', () => {
  expect(faults).toEqual([]);
});
