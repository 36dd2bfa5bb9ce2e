// Chapters 8 to 12 of the page Explore, and its free mode: heads, training, time and memory, changed kernels. Each
// control acts; what is shown is what the run has.

import { expect, test } from 'vitest';
import {
  boxHeadLabels,
  boxHeadOf,
  candidateCounts,
  opinionsOf,
  proposalsOf,
} from '../../../demo/explore/logic/box_head';
import { firstMask, maskLogits } from '../../../demo/explore/logic/mask_head';
import { compact, milliseconds, short } from '../../../demo/explore/logic/numbers';
import { rowOf } from '../../../demo/explore/logic/rows';
import { isScore, sigmoid } from '../../../demo/explore/logic/rpn';
import { channelOf } from '../../../demo/explore/logic/slices';
import type { HostTensor } from '../../../src/graph/program';
import { dataOf, expectPainted, inspect, numberOf, open, type Stage, TIMEOUT } from './stage';

export function chapters8To12(stage: () => Stage): void {
  test('8: the box head', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '8');
    await view.getByText('the very ones of the run').waitFor();
    const tensors: HostTensor[] = [];
    for (const label of boxHeadLabels(info)) tensors.push(await tensor(label));
    const head = boxHeadOf(info, tensors);
    const counts = candidateCounts(head);
    const label = counts.indexOf(Math.max(...counts));
    const film = () => dataOf(view, 'film');
    const [stay, candidates] = (await film()) as [number, number];
    expect(candidates).toBe(counts[label]);
    const rows = head.kept.shape[1]!;
    const kept = [...head.kept.data.subarray((label - 1) * rows, label * rows)].filter(isScore);
    expect(stay).toBe(kept.length);
    // what the head says of a candidate's proposal: logit, score, deltas
    const rank = Math.min(4, candidates);
    await page.getByRole('slider', { name: 'Candidate' }).fill(String(rank));
    const opinion = opinionsOf(head, proposalsOf(head, label)[rank - 1]!).find(
      (each) => each.label === label,
    )!;
    const cells = view.locator('.opinions tr.chosen td');
    await expect
      .poll(() => cells.allTextContents())
      .toEqual([short(opinion.logit), opinion.score.toFixed(4), ...opinion.deltas.map(short)]);
    expect(opinion.score).toBeCloseTo(
      head.candidates.data[(label - 1) * head.candidates.shape[1]! + rank - 1]!,
      6,
    );
    await inspect(stage(), '08_box_head');
    await page.getByRole('slider', { name: 'IoU' }).fill('0.95');
    await expect.poll(async () => (await film())[0]).toBeGreaterThan(stay);
    await page.getByRole('slider', { name: 'Score at least' }).fill('0.8');
    const own = head.candidates.data.subarray(
      (label - 1) * head.candidates.shape[1]!,
      label * head.candidates.shape[1]!,
    );
    await expect.poll(async () => (await film())[1]).toBe([...own].filter((score) => score >= 0.8).length);
  });

  test('9: the mask head', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '9');
    const object = Math.min(3, info.found.length);
    await page.getByRole('slider', { name: /^Object / }).fill(String(object));
    const { classIndex, pixels: own } = info.found[object - 1]!;
    await view.getByText(`${object} of ${info.found.length}:`).waitFor();
    const pixels = async () => (await dataOf(view, 'pixels'))[0]!;
    await expect.poll(pixels).toBe(own); // as the GPU pasted it
    const logits = rowOf(await tensor(maskLogits(info)!), object - 1);
    const probability = (channel: number) => {
      const slice = channelOf(logits, channel);
      return { ...slice, data: slice.data.map(sigmoid) };
    };
    const map = view.getByRole('application', { name: /^Probability of/ });
    await expectPainted(map, probability(classIndex - firstMask(info)), 'viridis', [0, 1]);
    const threshold = view.getByRole('slider', { name: 'A pixel is' });
    await threshold.fill('0.9');
    await expect.poll(pixels).toBeLessThan(own);
    await threshold.fill('0.1');
    await expect.poll(pixels).toBeGreaterThan(own);
    await threshold.fill('0.5');
    await expect.poll(pixels).toBe(own);
    const pooled = view.getByRole('application', { name: /mask_roi_pool/ });
    await pooled.press('ArrowDown');
    const side = (await tensor('roi_heads.mask_roi_pool')).shape[1]!;
    const at = Math.floor(((Math.floor(side / 2) + 0.5) / side) * logits.shape[1]!);
    await view
      .getByRole('application', { name: new RegExp(`^Probability.*row ${at}, column ${at}`) })
      .waitFor();
    const classes = view.getByRole('region', { name: 'Masks of all classes' }).getByRole('button');
    expect(await classes.count()).toBe(logits.shape[3]);
    await inspect(stage(), '09_mask_head');
    await classes.first().click();
    await expectPainted(map, probability(0), 'viridis', [0, 1]);
  });

  test('10: training', { timeout: TIMEOUT }, async () => {
    const { page, info } = stage();
    const view = await open(stage(), '10');
    const losses = view.locator('.losses');
    const loss = async (name: string) =>
      Number(await losses.getByRole('row', { name }).locator('[data-value]').getAttribute('data-value'));
    const NAMES = ['RPN: objectness', 'RPN: boxes', 'Box head: classes', 'Box head: boxes', 'Masks'];
    const all = () => Promise.all(NAMES.map(loss));
    const truth = page.getByRole('slider', { name: /^Truth/ });
    const least = info.found[Math.min(4, info.found.length - 1)]!.score - 0.01;
    await truth.fill(least.toFixed(2));
    const before = await all();
    for (const value of before) expect(value).toBeGreaterThan(0);
    expect(await loss('Together')).toBeCloseTo(before.reduce((a, b) => a + b));
    const counts = () => dataOf(view, 'counts');
    const [matched, ignored, background] = (await counts()) as [number, number, number];
    expect(matched).toBeGreaterThan(0);
    expect(background).toBeGreaterThan(matched);
    // the targets of the masks: their mean losses are the loss of the masks
    const targets = view.getByRole('region', { name: 'Mask targets' });
    const tasks = Number(await targets.getByRole('slider').getAttribute('max'));
    let sum = 0;
    for (let i = 1; i <= tasks; i++) {
      await targets.getByRole('slider').fill(String(i));
      await targets.getByText(`${i} of ${tasks}:`).waitFor();
      sum += (await dataOf(targets, 'task'))[1]!;
    }
    expect(sum / tasks).toBeCloseTo(before[4]!, 6);
    await inspect(stage(), '10_training');
    await view.getByRole('button', { name: 'Draw others' }).click();
    await expect.poll(() => loss('RPN: objectness')).not.toBe(before[0]);
    expect(await counts()).toEqual([matched, ignored, background]); // who matches is not drawn by lot
    await view.getByRole('slider', { name: 'Move the truth' }).fill('6');
    await expect.poll(() => loss('RPN: boxes')).toBeGreaterThan(before[1]!); // by their best overlap they match still
    await view.getByRole('button', { name: 'Proposals' }).click();
    await expect.poll(async () => (await counts())[1]).toBe(0); // none is ignored
  });

  test('11: time and memory', { timeout: TIMEOUT }, async () => {
    const { page, info } = stage();
    const view = await open(stage(), '11');
    const bytes = async (name: RegExp) =>
      Number(await view.getByRole('row', { name }).locator('td').getAttribute('data-value'));
    await view.getByText('shared buffers').waitFor();
    const [own, shared, least] = [await bytes(/own/), await bytes(/shared/), await bytes(/at once/)];
    expect(own).toBe(info.bytesWithoutReuse);
    expect(own).toBeGreaterThan(shared);
    expect(shared).toBeGreaterThanOrEqual(least);
    await view.locator('.memory .plot').waitFor();
    await page.getByRole('slider', { name: 'Tensor' }).fill('1');
    const caption = (await view.locator('.memory figcaption').textContent())!;
    const tensor = info.nodes
      .flatMap(({ outputs }) => outputs)
      .find(({ label }) => caption.startsWith(`${label}:`))!;
    expect(caption).toContain(compact(4 * tensor.shape.reduce((a, b) => a * b, 1)));
    // the kernels' times are the nodes'
    const table = view.getByRole('table', { name: 'The kernels that take the most' });
    const [first] = await table.locator('tbody th').allTextContents();
    const time = info.nodes
      .filter(({ kernel }) => kernel === first)
      .reduce((total, { microseconds = 0 }) => total + microseconds, 0);
    await table.getByText(milliseconds(time)).first().waitFor();
    const flame = view.getByRole('application', { name: /Flame chart/ });
    await flame.press('ArrowRight');
    await flame.press('ArrowDown');
    await view.locator('.flame figcaption', { hasText: /ms, .+ %/ }).waitFor();
    await inspect(stage(), '11_time_and_memory');
  });

  test('12: an edited kernel changes the picture, and a broken one says where', {
    timeout: TIMEOUT,
  }, async () => {
    const { page, info } = stage();
    const view = await open(stage(), '12');
    await view.getByRole('combobox', { name: 'Kernel' }).selectOption('mask_select');
    const editor = view.getByRole('textbox', { name: 'WGSL of mask_select' });
    await editor.waitFor({ timeout: TIMEOUT });
    await view.getByRole('button', { name: 'Turn every mask inside out' }).click();
    await view.getByText('Changed: mask_select').waitFor();
    await view.getByRole('button', { name: 'Run', exact: true }).click();
    const figures = view.locator('[data-found]');
    await figures.nth(1).waitFor({ timeout: TIMEOUT });
    const sure = String(info.found.filter(({ score }) => score >= 0.5).length);
    // boxes are what they were
    expect(await figures.evaluateAll((all) => all.map((each) => each.getAttribute('data-found')))).toEqual([
      sure,
      sure,
    ]);
    expect((await dataOf(view, 'different'))[0]).toBeGreaterThan(info.found.length);
    const pictures = await view
      .locator('.pair .picture canvas')
      .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));
    expect(pictures[0]).not.toBe(pictures[1]);
    await inspect(stage(), '12_your_kernel');

    await view.getByRole('button', { name: 'Reset this kernel' }).click();
    await view.getByText('Nothing is changed.').waitFor();
    await editor.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('\nlet broken = 1;');
    await page.keyboard.press('Control+Enter');
    await view.locator('.fault-text').waitFor({ timeout: 30_000 });
    expect(await view.locator('.cm-line.fault-line').textContent()).toContain('let broken = 1;');
    await view
      .getByRole('alert')
      .getByText(/^Line \d+: /)
      .waitFor();
    expect(await editor.textContent()).toContain('let broken = 1;'); // all that was typed, however fast
    await inspect(stage(), '12_your_kernel_broken', { phone: false });
    await view.getByRole('button', { name: 'Reset all' }).click();
    await view.getByText('Nothing is changed.').waitFor();
    expect(await editor.textContent()).not.toContain('let broken = 1;');
  });

  test('the free mode has everything of a node; keys turn pages', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), 'free');
    const node = info.nodes.filter(({ kernel }) => kernel === 'conv2d').at(-1)!;
    await page.getByRole('option', { name: node.label, exact: true }).dispatchEvent('click');
    const map = page.getByRole('application', { name: node.label });
    await map.waitFor();
    const numbers = await tensor(node.outputs[0]!.label);
    const channel = Number(
      /Channel (\d+)/.exec((await view.getByText(/^Channel \d+ of/).textContent())!)![1],
    );
    await expectPainted(map, channelOf(numbers, channel), 'viridis');
    await view.locator('.equation').waitFor();
    const [here, theirs] = [view.locator('.equation b').first(), view.locator('[data-output]')];
    expect(numberOf(await here.textContent())).toBeCloseTo(numberOf(await theirs.textContent()), 3);
    await inspect(stage(), 'free_mode', { seen: ['.map-scroll', '.source pre'] });
    await view.getByRole('button', { name: `Change ${node.kernel}` }).click();
    await page.getByRole('textbox', { name: `WGSL of ${node.kernel}` }).waitFor();
    await page.getByRole('heading', { level: 1 }).focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => new URL(page.url()).hash).toBe('#/11');
  });
}
