// Chapters 1 to 4 of the page Explore: tasks, the map, any node's numbers, the pyramid. Each control acts; what is shown
// is what the run has.

import { expect, test } from 'vitest';
import { rangeOf } from '../../../demo/explore/logic/colour_scale';
import { compact, milliseconds, shapeText, short } from '../../../demo/explore/logic/numbers';
import { channelOf, isMap, valueAt } from '../../../demo/explore/logic/slices';
import { expectPainted, hover, inspect, numberOf, open, type Stage, TIMEOUT, wgslOf } from './stage';

export function chapters1To4(stage: () => Stage): void {
  test('1: the four tasks', { timeout: TIMEOUT }, async () => {
    const { page, info } = stage();
    const view = await open(stage(), '1');
    const answer = view.locator('.answer');
    const sure = (least: number) => info.found.filter(({ score }) => score >= least);
    const [best] = info.found;
    const pixels = sure(0.5).reduce((sum, object) => sum + object.pixels, 0);
    expect(sure(0.5).length).toBeGreaterThan(0);
    for (const [task, text, boxes] of [
      ['Classification', `${best!.label} (${best!.score.toFixed(2)})`, 0],
      ['Localisation', best!.box.map((side) => side.toFixed(1)).join(', '), 1],
      [
        'Detection',
        `${sure(0.5).filter(({ label }) => label === best!.label).length} × ${best!.label}`,
        sure(0.5).length,
      ],
      ['Instance segmentation', `cover ${pixels.toLocaleString('en')} pixels`, sure(0.5).length],
    ] as const) {
      await page.getByRole('button', { name: task, exact: true }).click();
      await answer.getByText(text).waitFor();
      expect(await view.locator('.picture rect.box').count()).toBe(boxes);
    }
    const least = page.getByRole('slider', { name: 'Score at least' });
    await least.fill('0.9');
    await expect.poll(() => view.locator('.picture rect.box').count()).toBe(sure(0.9).length);
    await least.fill('0.5');
    await inspect(stage(), '01_tasks');
  });

  test('2: the map: shapes, costs, kernel and shader of every node', { timeout: TIMEOUT }, async () => {
    const { page, info } = stage();
    const view = await open(stage(), '2');
    const options = view.getByRole('option');
    const names = await options.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
    expect(names).toEqual(info.nodes.map(({ label }) => label));
    // every node, one after the other, by the arrow keys
    await options.first().click();
    const shown = await page.evaluate(async (count) => {
      const map = document.querySelector('[role="listbox"]')!;
      const seen: string[] = [];
      for (let i = 0; i < count; i++) {
        const details = document.querySelector('.details')!;
        seen.push(details.textContent ?? '');
        map.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }),
        );
        await new Promise(requestAnimationFrame);
      }
      return seen;
    }, info.nodes.length);
    info.nodes.forEach(({ label, kernel, microseconds, macs, bytes, rows, outputs, inputs }, i) => {
      const computed = rows ? (macs * rows.count) / rows.capacity : macs;
      for (const text of [
        label,
        `Kernel${kernel}`,
        `Time${milliseconds(microseconds)}`,
        `Multiply-adds${compact(computed)}`,
        `Read and written${compact(bytes)}B`,
        ...[...inputs, ...outputs].map(({ dtype, shape }) => `${dtype} ${shapeText(shape)}`),
      ]) {
        expect(shown[i], label).toContain(text);
      }
    });
    // the shader of a node of each kernel
    const kernels = [...new Set(info.nodes.map((node) => node.kernel))].slice(
      0,
      stage().thorough ? undefined : 2,
    );
    for (const kernel of kernels) {
      const at = info.nodes.findIndex((node) => node.kernel === kernel);
      await options.nth(at).dispatchEvent('click');
      const source = view.getByRole('region', { name: `WGSL of ${kernel}` }).locator('pre');
      const wanted = (await wgslOf(stage(), at)).trimEnd();
      await expect.poll(async () => (await source.textContent())!.trimEnd()).toBe(wanted);
    }
    await options.filter({ hasText: 'ROIAlign' }).first().dispatchEvent('click');
    for (const measure of ['bytes', 'time', 'multiply-adds']) {
      await page.getByRole('button', { name: measure }).click();
    }
    await inspect(stage(), '02_map');
  });

  test('3: any node, any channel: the values and sums of the run', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '3');
    const kinds = ['conv2d', 'depthwise_conv2d', 'conv_transpose2d', 'linear'];
    const nodes = kinds.flatMap(
      (kind) => info.nodes.find(({ kernel, outputs }) => kernel === kind && isMap(outputs[0]?.shape)) ?? [],
    );
    for (const [i, node] of nodes.entries()) {
      const { label, outputs } = node;
      await page.getByRole('combobox', { name: 'Node' }).selectOption(label);
      const map = page.getByRole('application', { name: label });
      const numbers = await tensor(outputs[0]!.label);
      await view.getByText(/^Channel \d+ of/).waitFor();
      const channel = async () =>
        Number(/Channel (\d+)/.exec((await view.getByText(/^Channel \d+ of/).textContent())!)![1]);
      const before = await channel();
      await page
        .getByRole('slider', { name: 'Channel, on a sheet' })
        .press(before ? 'ArrowLeft' : 'ArrowRight');
      await expect.poll(channel).not.toBe(before);
      const c = await channel();
      const slice = channelOf(numbers, c);
      await expectPainted(map, slice, 'viridis');
      // by mouse, then by keyboard
      const [y, x] = [slice.height >> 1, slice.width >> 2];
      await hover(map, slice, y, x);
      const reading = view.locator('h2:has([data-value])');
      await expect
        .poll(() => reading.textContent())
        .toBe(`Row ${y}, column ${x}: ${short(valueAt(numbers, y, x, c))}`);
      await map.press('ArrowRight');
      await map.press('ArrowUp');
      const value = valueAt(numbers, y - 1, x + 1, c);
      await expect.poll(() => reading.textContent()).toBe(`Row ${y - 1}, column ${x + 1}: ${short(value)}`);
      // the sum, in double precision, against the run's own number
      const equation = view.locator('.equation');
      const [here, theirs] = [equation.locator('b').nth(0), equation.locator('[data-output]')];
      await expect.poll(() => theirs.textContent()).toBe(short(value));
      expect(numberOf(await here.textContent())).toBeCloseTo(value, 3);
      if (i > 0) continue;
      expect(await view.locator('[data-field]').getAttribute('data-field')).toMatch(/^\d+ \d+ \d+ \d+$/);
      const rows = page.getByRole('table', { name: 'The greatest of' }).getByRole('row');
      const few = await rows.count();
      await page.getByRole('button', { name: 'More products' }).click();
      await expect.poll(() => rows.count()).toBeGreaterThan(few);
      for (const scale of ['magma', 'grey', 'diverging'] as const) {
        await page.getByRole('button', { name: scale }).click();
        await expectPainted(map, slice, scale);
      }
      await page.getByRole('button', { name: 'the layer' }).click();
      await expectPainted(map, slice, 'diverging', rangeOf(numbers.data, 'diverging'));
      await inspect(stage(), '03_feature_maps');
    }
    // features of regions: a row each
    const features = info.nodes.find(({ label }) => /fc7$|cls_score$/.test(label))!;
    await page.getByRole('combobox', { name: 'Node' }).selectOption(features.label);
    const numbers = await tensor(features.outputs[0]!.label);
    const table = page.getByRole('application', { name: features.label });
    await table.press('ArrowDown');
    await table.press('ArrowRight');
    const value = numbers.data[numbers.shape.at(-1)! + 1]!;
    const reading = view.locator('h2:has([data-value])');
    await expect.poll(() => reading.textContent()).toBe(`Row 1, column 1: ${short(value)}`);
    await expect.poll(() => view.locator('[data-output]').textContent()).toBe(short(value));
    expect(numberOf(await view.locator('.equation b').first().textContent())).toBeCloseTo(value, 3);
    await inspect(stage(), '03_features_of_regions', { phone: false });
  });

  test('4: on every level lateral and what comes down make the sum', { timeout: TIMEOUT }, async () => {
    const { page, info, tensor } = stage();
    const view = await open(stage(), '4');
    const levels = info.nodes.filter(({ label }) => /inner_blocks\.\d\.0$/.test(label)).length;
    if (levels === 0) {
      await view.getByText('no pyramid').waitFor();
      return;
    }
    await page.getByRole('slider', { name: 'Channel' }).fill('7');
    const finest = page.getByRole('application', { name: 'P2: output' });
    const output = channelOf(await tensor('backbone.fpn.layer_blocks.0.0'), 7);
    await hover(finest, output, 9, 12);
    await finest.press('ArrowLeft');
    for (let i = 0; i < levels; i++) {
      const line = (await page.locator(`[data-level="P${i + 2}"]`).textContent())!;
      const [y, x] = /Row (\d+), column (\d+)/.exec(line)!.slice(1).map(Number) as [number, number];
      if (i === 0) expect([y, x]).toEqual([9, 11]);
      const at = async (label: string) => valueAt(await tensor(label), y, x, 7);
      const own = await at(`backbone.fpn.inner_blocks.${i}.0`);
      const out = short(await at(`backbone.fpn.layer_blocks.${i}.0`));
      if (i === levels - 1) {
        expect(line).toBe(`Row ${y}, column ${x}: ${short(own)}; output ${out}`);
        continue;
      }
      const sum = await at(`backbone.fpn.top_down.${i}`);
      const found = /: (\S+) \+ (\S+) = (\S+); output (\S+)$/.exec(line)!.slice(1);
      expect([found[0], found[2], found[3]]).toEqual([short(own), short(sum), out]);
      expect(numberOf(found[1])).toBeCloseTo(sum - own, 2);
    }
    const lateral = await tensor('backbone.fpn.inner_blocks.0.0');
    const total = channelOf(await tensor('backbone.fpn.top_down.0'), 7);
    const range = rangeOf(
      [...rangeOf(channelOf(lateral, 7).data, 'diverging'), ...rangeOf(total.data, 'diverging')],
      'diverging',
    );
    await expectPainted(
      page
        .getByRole('application', { name: 'P2: lateral;' })
        .or(page.getByRole('application', { name: /^P2: lateral,/ })),
      channelOf(lateral, 7),
      'diverging',
      range,
    );
    await expectPainted(
      page.getByRole('application', { name: /^P2: lateral and 100/ }),
      total,
      'diverging',
      range,
    );
    await expectPainted(finest, output, 'diverging');
    // the level above all of them
    const thinned = `P${levels + 2}`;
    const line = (await page.locator(`[data-level="${thinned}"]`).textContent())!;
    const [y, x] = /Row (\d+), column (\d+)/.exec(line)!.slice(1).map(Number) as [number, number];
    const above = short(valueAt(await tensor('backbone.fpn.pool'), y, x, 7));
    expect(line).toBe(
      `Row ${y}, column ${x}: row ${2 * y}, column ${2 * x} of P${levels + 1}, ${above}; output ${above}`,
    );
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('slider', { name: 'Of what comes down' }).fill('0.5');
    await page.getByRole('application', { name: '50 % of what comes down' }).first().waitFor();
    await inspect(stage(), '04_pyramid');
  });
}
