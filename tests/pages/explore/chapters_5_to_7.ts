// Chapters 5 to 7 of the page Explore: proposals, the level rule, pooling. Each control acts; what is shown is what the
// run has.

import { expect, test } from 'vitest';
import { levelOf, ruleOf } from '../../../demo/explore/logic/level_rule';
import { nmsFilm } from '../../../demo/explore/logic/nms_film';
import { short } from '../../../demo/explore/logic/numbers';
import {
  anchorBox,
  levelCounts,
  RPN_TABLES,
  rpnLevels,
  sigmoid,
  tablesOf,
} from '../../../demo/explore/logic/rpn';
import { channelOf, valueAt } from '../../../demo/explore/logic/slices';
import { candidatesOf } from '../../../demo/explore/logic/suppression';
import { dataOf, expectPainted, hover, inspect, numberOf, open, type Stage, TIMEOUT } from './stage';

export function chapters5To7(stage: () => Stage): void {
  const tablesNow = async () => {
    const { tensor } = stage();
    const all: Awaited<ReturnType<typeof tensor>>[] = [];
    for (const label of Object.values(RPN_TABLES)) all.push(await tensor(label));
    return tablesOf(all);
  };

  test('5: anchors, deltas, the best k, and the film of suppression', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '5');
    const tables = await tablesNow();
    const levels = rpnLevels(info);
    const at = Math.min(1, levels.length - 1);
    const { name, objectness, deltas, anchors, width, height } = levels[at]!;
    await page.getByRole('button', { name, exact: true }).click();
    const map = page.getByRole('application', { name: `Objectness of ${name}` });
    const logits = await tensor(objectness.outputs[0]!.label);
    const regression = await tensor(deltas.outputs[0]!.label);
    // the heat map of the best anchor, and of each alone
    const probability = (a: number) => channelOf(logits, a).data.map(sigmoid);
    const all = Array.from({ length: anchors }, (_, a) => probability(a));
    const best = all[0]!.map((_, i) => Math.max(...all.map((one) => one[i]!)));
    await expectPainted(map, { data: best, height, width }, 'magma', [0, 1]);
    const choices = page.getByRole('group', { name: 'Objectness of' }).getByRole('button');
    await choices.nth(1).click();
    await expectPainted(map, { data: all[0]!, height, width }, 'magma', [0, 1]);
    // the cell that is pointed at: objectness of all anchors, deltas of the chosen one
    const [y, x] = [height >> 1, width >> 1];
    await hover(map, { height, width }, y, x);
    await map.press('ArrowUp');
    const line = page.locator('[data-objectness]');
    const shown = all.map((_, a) => sigmoid(valueAt(logits, y - 1, x, a)).toFixed(3)).join(', ');
    await expect.poll(() => line.textContent()).toContain(`row ${y - 1}, column ${x}: ${shown}.`);
    const table = page.getByRole('table', { name: /^Logit/ });
    const column = async (of: number) =>
      (await table.locator(`tbody tr td:nth-of-type(${of})`).allTextContents()).map(numberOf);
    const wanted = [0, 1, 2, 3].map((k) => valueAt(regression, y - 1, x, k));
    expect(await column(2)).toEqual(wanted.map((delta) => numberOf(short(delta))));
    const [x1, y1, x2, y2] = anchorBox(tables, at, y - 1, x, 0);
    const last = info.config.inclusiveBoxes ? 1 : 0;
    const [w, h] = [x2 - x1 + last, y2 - y1 + last];
    const box = [
      x1 + w / 2 + wanted[0]! * w,
      y1 + h / 2 + wanted[1]! * h,
      w * Math.exp(wanted[2]!),
      h * Math.exp(wanted[3]!),
    ];
    for (const [k, side] of (await column(4)).entries()) {
      expect(Math.abs(side - box[k]!)).toBeLessThan(0.01 * Math.abs(box[k]!) + 0.02); // as printed
    }
    const few = await view.locator('.anchors .picture rect.dashed').count();
    expect(few).toBe(anchors);
    const everywhere = page.getByRole('checkbox', { name: 'anchors of every level' });
    expect(await everywhere.count()).toBe(levels.length > 1 ? 1 : 0);
    if (levels.length > 1) await everywhere.check();
    expect(await view.locator('.anchors .picture rect.dashed').count()).toBe(
      levels.reduce((sum, level) => sum + level.anchors, 0),
    );
    // what each step leaves
    const counts = levelCounts(levels, tables);
    for (const [step, left] of Object.entries(counts[at]!)) {
      const cell = page.getByRole('row', { name: new RegExp(`^${name}`) }).locator(`[data-step="${step}"]`);
      expect(numberOf(await cell.textContent()), step).toBe(left);
    }
    // the best k
    await page.getByRole('slider', { name: 'k, by objectness' }).fill('3');
    const first = at * tables.top.shape[1]!;
    await expect
      .poll(() => dataOf(view, 'top'))
      .toEqual([tables.indices.data[first + 2], tables.top.data[first + 2]]);
    await page.getByRole('button', { name: 'boxes, by their deltas' }).click();
    // the film: at the run's own threshold what the run kept; at another, who suppresses whom
    const film = view.locator('.film').last();
    if (levels.length > 1) await film.getByText('the very ones of the run').waitFor();
    const kept = async () => (await dataOf(film, 'film'))[0]!;
    expect(await kept()).toBe(counts[at]!.kept);
    await page.getByRole('slider', { name: 'Suppressed above' }).fill('0.3');
    const { frames } = nmsFilm(candidatesOf(info.config, tables, at), 0.3);
    await expect.poll(kept).toBe(frames.length);
    expect(frames.length).toBeLessThan(counts[at]!.kept);
    const step = frames.findIndex(({ victims }) => victims.length > 0);
    await page.getByRole('slider', { name: 'Step' }).fill(String(step));
    const { keeper, victims } = frames[step]!;
    await film.getByText(`Box ${keeper}, score`).waitFor();
    const listed = await film.locator('tbody tr td:first-child').allTextContents();
    expect(listed.map(Number)).toEqual(victims.slice(0, listed.length));
    expect(await film.locator('.arrow').count()).toBe(Math.min(100, victims.length));
    await inspect(stage(), '05_proposals');
    await page.getByRole('button', { name: 'Play' }).click();
    await expect.poll(() => page.getByRole('slider', { name: 'Step' }).inputValue()).not.toBe(String(step));
    await page.getByRole('button', { name: 'Pause' }).click();
  });

  test('6: the level rule', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '6');
    const rule = ruleOf(info.nodes.find(({ label }) => label === 'roi_heads.box_roi_pool')!);
    const boxes = await tensor('rpn.gather_detections.detections');
    const all = (await tensor('rpn.gather_detections.count')).data[0]!;
    const levels = Array.from({ length: all }, (_, i) => levelOf(rule, boxes.data, 4 * i));
    for (const [i, level] of rule.levels.entries()) {
      const cell = page.locator(`[data-count="${level}"]`);
      const wanted = levels.filter((found) => found === i).length;
      await expect.poll(async () => numberOf(await cell.textContent())).toBe(wanted);
    }
    await page.getByRole('slider', { name: 'Shown, best first' }).fill('7');
    await expect.poll(() => view.locator('.picture rect.box').count()).toBe(8); // and the one
    await page.getByRole('slider', { name: 'One of them' }).fill('5');
    const [x1, y1, x2, y2] = boxes.data.subarray(20, 24) as unknown as [number, number, number, number];
    await view
      .getByText(`= ${short(Math.sqrt((x2 - x1) * (y2 - y1)))} px`)
      .first()
      .waitFor();
    const chosen = view.locator('[data-level]');
    expect(await chosen.getAttribute('data-level')).toBe(String(rule.levels[levels[5]!]));
    await page.getByRole('slider', { name: 'Shown, best first' }).fill('200');
    await page.getByRole('slider', { name: 'Side that belongs' }).fill('28');
    if (rule.levels.length > 1) {
      const moved = page.locator(`[data-count="${rule.levels[0]}"]`);
      await expect.poll(async () => numberOf(await moved.textContent())).toBeLessThan(all);
    }
    await page.getByRole('button', { name: 'detections' }).click();
    const table = page.getByRole('table', { name: 'detections by level' });
    await table.waitFor();
    const figures = (await table.locator('[data-count]').allTextContents()).map(numberOf);
    expect(figures.reduce((a, b) => a + b)).toBe(info.found.length);
    await inspect(stage(), '06_level_rule');
  });

  test('7: ROIAlign and ROI Pool', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '7');
    const grid = view.getByRole('application', { name: /^ROIAlign over/ });
    await grid.waitFor();
    const pooled = await tensor('roi_heads.mask_roi_pool');
    const [, bins, , channels] = pooled.shape as [number, number, number, number];
    const numbers = view.locator('.bin-numbers').first();
    const shown = async () => (await numbers.locator('caption b').allTextContents()).map(numberOf);
    const middle = Math.floor(bins / 2);
    await page.getByRole('slider', { name: 'Channel' }).fill('3');
    // the mean of the samples, worked out on the page, is the number that the kernel left in that bin
    const check = async (y: number, x: number, object: number) => {
      const value = valueAt(pooled, y, x, 3, object);
      await expect.poll(async () => (await shown())[1]).toBe(numberOf(short(value)));
      expect((await shown())[0]).toBeCloseTo(value, 3);
    };
    await check(middle, middle, 0);
    await grid.press('ArrowRight');
    await check(middle, middle + 1, 0);
    await view.getByRole('application', { name: /^ROI Pool over/ }).press('ArrowUp');
    await check(middle - 1, middle + 1, 0);
    const weights = await numbers.locator('tbody td:nth-of-type(1)').allTextContents();
    expect(weights.length).toBeGreaterThan(0);
    for (const text of weights) {
      const sum = [...text.matchAll(/(\d\.\d\d) ·/g)].reduce(
        (total, [, weight]) => total + Number(weight),
        0,
      );
      expect(sum).toBeCloseTo(1, 1);
    }
    const handed = view.getByRole('application', { name: 'What ROIAlign hands on' });
    await expect(handed.getAttribute('aria-label')).resolves.toContain(
      short(valueAt(pooled, middle - 1, middle + 1, 3)),
    );
    const [mean, most] = (await dataOf(view, 'difference')) as [number, number];
    expect(mean).toBeGreaterThan(0);
    expect(most).toBeGreaterThan(mean);
    const second = Math.min(2, info.found.length);
    await page.getByRole('slider', { name: /^Object / }).fill(String(second));
    await view.getByText(`${second} of ${info.found.length}:`).waitFor();
    await check(middle - 1, middle + 1, second - 1); // the same channel, the same bin
    await view.getByRole('button', { name: 'Box head' }).click();
    const box = (await tensor('roi_heads.box_roi_pool')).shape[1];
    await view.getByText(`become ${box} × ${box} bins`).waitFor();
    await view.getByRole('button', { name: 'Mask head' }).click();
    await view.getByText(`become ${bins} × ${bins} bins`).waitFor();
    expect(channels).toBeGreaterThan(3);

    await page.getByRole('button', { name: 'Run again with ROI Pool' }).click();
    await view.getByText('Found with ROI Pool').waitFor({ timeout: TIMEOUT });
    const row = async (name: string) =>
      Number(await view.getByRole('row', { name }).locator('td').getAttribute('data-value'));
    expect(await row('Found with ROIAlign')).toBe(info.found.filter(({ score }) => score >= 0.5).length);
    const both = await row('Found by both');
    expect(both).toBeLessThanOrEqual(await row('Found with ROI Pool'));
    if (both > 0) expect(await row("Their masks' mean IoU")).toBeLessThan(1);
    await inspect(stage(), '07_roi_align');
  });
}
