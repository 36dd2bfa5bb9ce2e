// The benchmark: what it says about rows holds together, wrong kernels are not timed, reports compare, the page shows
// them. No times are judged here. Leaves pictures of the page in out/bench*.png.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { createServer } from 'vite';
import { expect, test } from 'vitest';
import { compareReports } from '../bench/compare';
import { framesOf } from '../bench/frames';
import { trackBuffers } from '../bench/live_buffers';
import { modelSubjects } from '../bench/model';
import { parseSize } from '../bench/options';
import {
  bandwidth,
  type Ceilings,
  parseReport,
  type Report,
  type Result,
  rankVariants,
  resultOf,
} from '../bench/report';
import { growth } from '../bench/soak';
import { benchSubject } from '../bench/subject';
import { buildOf, runSuite } from '../bench/suite';
import { comparisonText, resultsText } from '../bench/text';
import { summarise } from '../bench/timing';
import { variantSubjects } from '../bench/variants';
import { fileSource } from '../src/file_source';
import { Timer } from '../src/graph/timer';
import { tilesFor, traitsOf } from '../src/kernels/methods';
import { computingFor } from '../src/load';
import { launchChromium } from './chromium';
import { testDevice } from './gpu';
import type { KernelCase } from './kernel_case';
import { rows } from './kernels.table';

const TIMEOUT = 300_000;
const NUCLEI = 'models/nuclei.safetensors';
const QUICK = { seconds: 0.001, ceilings: { seconds: 0.001, largestCopy: 1 << 20 } };
const ENVIRONMENT = { date: '2026-01-01T00:00:00Z', commit: 'abc1234', versions: { node: process.version } };

const SMALL = { height: 60, width: 80 };
const SMALL_OPTIONS = { ...parseSize('32,64'), rpnPostNmsTopN: 8, boxDetectionsPerImg: 4 };

function row(kernel: string, what: string): KernelCase {
  const found = rows.find((candidate) => candidate.kernel.name === kernel && candidate.what === what);
  if (!found) throw new Error(`no row ${kernel}: ${what}`);
  return found;
}

let report: Report;

test('two rows: right before they are timed, rates that follow from the times', {
  timeout: TIMEOUT,
}, async () => {
  const chosen = [row('conv2d', '1x1 with residual'), row('max_pool2d', 'a batch')];
  const wrong: KernelCase = {
    ...row('linear', 'odd sizes'),
    what: 'a wrong one',
    reference: () => ({ output: new Float64Array(21).fill(1e3) }),
  };
  const steps: string[] = [];
  report = await runSuite(await testDevice(), ENVIRONMENT, {
    ...QUICK,
    rows: [...chosen, wrong],
    onProgress: ({ next }) => steps.push(next),
  });
  expect(steps).toContain('row conv2d: 1x1 with residual');
  report = parseReport(JSON.stringify(report), 'memory'); // as it comes out of a file
  expect(report.failures).toEqual([
    { id: 'row linear: a wrong one', why: expect.stringMatching(/wanted 1000/) },
  ]);
  const [conv2d, maxPool2d, ...others] = report.results as [Result, Result];
  expect(others).toEqual([]);

  const { peak, copy } = report.ceilings;
  expect(peak.f32.gflops).toBeGreaterThan(0);
  expect(Object.keys(peak.f32.forms)).toHaveLength(8);
  expect(copy.map(({ bytes }) => bytes)).toEqual([1 << 18, 1 << 20]);

  expect(conv2d).toMatchObject({
    id: 'row conv2d: 1x1 with residual',
    kernel: 'conv2d',
    part: 'row',
    ofBest: 100,
  });
  expect(conv2d.macs).toBe(9 * 11 * 32 * 128);
  // input, weight, bias, residual, output
  expect(conv2d.bytes).toBe(4 * (9 * 11 * 32 + 32 * 128 + 128 + 2 * 9 * 11 * 128));
  expect(conv2d.gflops).toBeCloseTo((2 * conv2d.macs) / conv2d.ms.p50 / 1e6, 6);
  expect(conv2d.intensity).toBeCloseTo((2 * conv2d.macs) / conv2d.bytes, 6);
  expect(conv2d.error!.relative).toBeGreaterThan(0);
  expect(conv2d.error!.relative).toBeLessThan(1e-5);
  expect(maxPool2d.error!.absolute).toBe(0);
  for (const { ms, ofRoofline } of report.results) {
    expect(ms.p5).toBeGreaterThan(0);
    expect(ms.p5).toBeLessThanOrEqual(ms.p50);
    expect(ms.p50).toBeLessThanOrEqual(ms.p95);
    expect(ms.samples).toBeGreaterThanOrEqual(5);
    expect(ofRoofline).toBeGreaterThan(0);
    expect(ofRoofline).toBeLessThan(120);
  }
  expect(resultsText(report)).toMatch(/1x1 with residual +conv2d/);
});

test('dispatches of a model: each distinct one once, checked at places of its output', {
  timeout: TIMEOUT,
}, async () => {
  const build = await buildOf(fileSource(NUCLEI), SMALL, SMALL_OPTIONS);
  const graph = build(await computingFor(await testDevice(), {}));
  const subjects = modelSubjects(graph);
  expect(subjects.length).toBeLessThan(graph.nodes.length);
  expect(subjects.reduce((sum, { work }) => sum + work.times, 0)).toBe(graph.nodes.length);
  expect(subjects.reduce((sum, { work }) => sum + work.times * work.macs, 0)).toBe(graph.macs);
  expect(new Set(subjects.map(({ work }) => work.id)).size).toBe(subjects.length);
  const device = await testDevice();
  const timer = new Timer(device);
  for (const kernel of ['conv2d', 'max_pool2d', 'upsample_add', 'conv_transpose2d']) {
    const small = subjects
      .filter(({ work }) => work.kernel === kernel)
      .sort((a, b) => a.work.macs - b.work.macs);
    const { error } = await benchSubject(device, timer, small[0]!, 0.001);
    expect(error?.reference, kernel).toMatch(/float64/);
    expect(error?.relative, kernel).toBeLessThan(1e-5);
  }
  timer.destroy();
});

test('every way to compute a layer: compared with the definition, ranked among themselves', {
  timeout: TIMEOUT,
}, async () => {
  const device = await testDevice();
  const traits = traitsOf(device);
  const build = await buildOf(fileSource(NUCLEI), SMALL, SMALL_OPTIONS, true);
  const subjects = variantSubjects(build, traits);
  expect(new Set(subjects.map(({ work }) => work.id)).size).toBe(subjects.length);
  const waysOf = (layer: string) => subjects.filter(({ work }) => work.label.startsWith(`${layer} [`));
  const names = waysOf('rpn.head.conv.0.0@p5').map(({ work }) => work.label.replace(/^.*\] /, ''));
  const tiles = tilesFor({ kernel: 'conv2d', rows: 1, depth: 1, outputs: 4, batches: 1 }, traits, false);
  const algorithms = ['direct', 'winograd2', 'winograd4'];
  expect(names).toEqual(algorithms.flatMap((algorithm) => tiles.map((tile) => `${algorithm}, ${tile}`)));

  const results: Result[] = [];
  const timer = new Timer(device);
  const layers = ['rpn.head.conv.0.0@p5', 'rpn.head.cls_logits@p5', 'roi_heads.box_head.fc6'];
  const some = layers
    .flatMap(waysOf)
    .filter(({ work }) => /registers 32x64|subgroups 32x8|workgroup 32x32/.test(work.label));
  for (const subject of some) {
    const { error, ms } = await benchSubject(device, timer, subject, 0.001);
    expect(error?.relative, subject.work.id).toBeLessThan(1e-4); // of sums of numbers up to 1: Winograd's rounding
    results.push({ ...resultOf(subject.work, ms, report.ceilings, error) });
  }
  timer.destroy();
  rankVariants(results);
  const best = results
    .filter(({ ofBest }) => ofBest === 100)
    .map(({ problem }) => problem.replace(/ .*/, ''));
  expect(best).toEqual(layers);
  expect(results.some(({ label }) => /fc6 .* 8 slices/.test(label))).toBe(true);
});

test('a row has the ceiling of the cache that it fits into', () => {
  const ceilings: Ceilings = {
    peak: { f32: { gflops: 100, form: '', forms: {} } },
    copy: [
      { bytes: 1000, gbs: 30 },
      { bytes: 2000, gbs: 40 },
      { bytes: 9000, gbs: 10 },
    ],
  };
  expect([1, 1500, 2001, 99_999].map((bytes) => bandwidth(ceilings, bytes))).toEqual([40, 40, 10, 10]);
});

test('quantiles and spread of samples', () => {
  const samples = Array.from({ length: 101 }, (_, i) => 100 - i);
  expect(summarise(samples, 3)).toEqual({ p5: 5, p50: 50, p95: 95, spread: 180, samples: 101, repeats: 3 });
});

test('comparison: ratios, what is beyond the spreads, the geometric mean, a kernel that took over', () => {
  const scaled = (result: Result, factor: number, changes: Partial<Result> = {}): Result => {
    const { p5, p50, p95 } = result.ms;
    const ms = { ...result.ms, p5: factor * p5, p50: factor * p50, p95: factor * p95 };
    return { ...result, ms, ...changes };
  };
  const [a, b] = report.results as [Result, Result];
  const tight = [a, b].map((result) => ({
    ...result,
    ms: { ...result.ms, p5: 0.99 * result.ms.p50, p95: 1.01 * result.ms.p50 },
  }));
  const before = { ...report, results: tight };
  const after = {
    ...report,
    results: [scaled(tight[0]!, 0.25, { id: 'row better', kernel: 'better' }), scaled(tight[1]!, 1.005)],
  };
  const { pairs, geometricMean, onlyBefore, onlyAfter, differences } = compareReports(before, after);
  expect(pairs.map(({ kernel, certain }) => [kernel, certain])).toEqual([
    ['max_pool2d', false],
    ['conv2d -> better', true],
  ]);
  expect(pairs[1]!.ratio).toBeCloseTo(4, 9);
  expect(geometricMean).toBeCloseTo(Math.sqrt(4 / 1.005), 9);
  expect([onlyBefore, onlyAfter, differences]).toEqual([[], [], []]);
  const text = comparisonText(compareReports(before, after));
  expect(text).toMatch(/conv2d -> better .* 4\.00 +faster/);
  expect(text).toMatch(/geometric mean of 2: 2\.00/);
  const elsewhere = { ...after, environment: { ...after.environment, clock: 'host' as const } };
  expect(compareReports(before, elsewhere).differences).toEqual([
    `clock: ${report.environment.clock} and host`,
  ]);
  expect(() => parseReport('{"rows": []}', 'old.json')).toThrow(/old\.json: wanted a report/);
});

test('frames of a flame chart: consecutive nodes of a module are under it', () => {
  const node = (label: string, microseconds: number) => ({
    label,
    kernel: 'k',
    shape: [1],
    macs: 1,
    bytes: 4,
    microseconds,
  });
  const nodes = [node('a.x', 1000), node('a.x', 1000), node('a.y.z', 2000), node('b', 500), node('a.x', 500)];
  const frames = framesOf({ picture: 'p', runMs: 5, nodes });
  expect(frames.map(({ path, depth, begin, end, kernel }) => [path, depth, begin, end, kernel])).toEqual([
    ['', 0, 0, 5, undefined],
    ['a', 1, 0, 4, undefined],
    ['a.x', 2, 0, 1, 'k'],
    ['a.x', 2, 1, 2, 'k'],
    ['a.y', 2, 2, 4, undefined],
    ['a.y.z', 3, 2, 4, 'k'],
    ['b', 1, 4, 4.5, 'k'],
    ['a', 1, 4.5, 5, undefined],
    ['a.x', 2, 4.5, 5, 'k'],
  ]);
});

test('soak: what grows is seen, and what is only unsteady is not', async () => {
  const looks = Array.from({ length: 20 }, (_, i) => ({
    run: 50 * (i + 1),
    heap: 2e7,
    gpu: 1e8,
    resident: 5e8,
  }));
  const verdicts = (samples: typeof looks) => growth(samples).map(({ total, allowed }) => total > allowed);
  expect(verdicts(looks)).toEqual([false, false, false]);
  expect(verdicts(looks.map((look, i) => ({ ...look, heap: 2e7 + (i % 3) * 1e5 })))).toEqual([
    false,
    false,
    false,
  ]);
  expect(verdicts(looks.map((look) => ({ ...look, heap: 2e7 + 1000 * look.run })))).toEqual([
    true,
    false,
    false,
  ]);
  expect(verdicts(looks.map((look) => ({ ...look, gpu: 1e8 + 4 * look.run })))).toEqual([false, true, false]);

  const device = await testDevice();
  const create = device.createBuffer;
  const live = trackBuffers(device);
  const buffer = device.createBuffer({ size: 64, usage: GPUBufferUsage.STORAGE });
  expect(live).toEqual({ bytes: 64, count: 1 });
  buffer.destroy();
  buffer.destroy();
  expect(live).toEqual({ bytes: 0, count: 0 });
  device.createBuffer = create;
});

test('soak: a few detections in a row do not grow', { timeout: TIMEOUT }, async () => {
  const options = ['--runs', '8', '--every', '2', '--size', '32,32', '--proposals', '16'];
  const run = promisify(execFile)(process.execPath, ['--expose-gc', 'bench/run.mjs', 'soak', ...options]);
  const { stdout } = await run; // rejects unless the exit code is 0
  expect(stdout).toMatch(/gpu: \+0 B over 8 detections, no growth/);
  expect(stdout).toMatch(/heap: .* no growth/);
});

test('the page runs, sorts, saves, and compares', { timeout: TIMEOUT }, async () => {
  const server = await createServer({
    configFile: 'vite.bench.config.ts',
    logLevel: 'error',
    server: { port: 0, host: '127.0.0.1', watch: null },
  });
  await server.listen();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(TIMEOUT);
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(server.resolvedUrls!.local[0]!);
    await page.getByLabel('dispatches').uncheck();
    await page.getByLabel('Size').fill('24,32');
    await page.getByLabel('Only').fill('linear: odd');
    await page.getByLabel('Seconds').fill('0.01');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('status').getByText('Done: 2 results').waitFor({ timeout: TIMEOUT });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save JSON' }).click(),
    ]);
    const saved = parseReport(readFileSync(await download.path(), 'utf8'), 'saved');
    expect(saved.results.map(({ id }) => id)).toEqual(['row linear: odd sizes', 'picture nuclei.png']);
    expect(saved.environment.adapter.architecture).toBe('swiftshader');
    // its own run of the model, node by node
    expect(saved.profile!.nodes.find(({ label }) => label === 'rpn.top_k')!.microseconds).toBeGreaterThan(0);
    await page.locator('#flame').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('#flame-chosen', { hasText: /model.* ms/ }).waitFor();

    // a report with a picture of the model's nodes, and the same twice as fast
    mkdirSync('out', { recursive: true });
    const files = [2, 1].map((factor) => {
      const path = `out/bench_${factor}.json`;
      writeFileSync(path, JSON.stringify({ ...saved, ...drawn(factor) }));
      return path;
    });
    await page.locator('#file').setInputFiles(files);
    await page.getByText('Geometric mean of 2 ratios: 2.00').waitFor();
    await page.getByRole('button', { name: 'p50 ms' }).click();
    const names = () => page.locator('tbody tr td:first-child').allTextContents();
    expect(await names()).toEqual(['slow', 'fast']);
    await page.getByRole('button', { name: 'p50 ms' }).click();
    expect(await names()).toEqual(['fast', 'slow']);
    await page.locator('tbody tr').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('tr[aria-selected="true"]', { hasText: 'slow' }).waitFor();
    await page.locator('#flame').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    await page.getByText('backbone.conv1, conv2d: 2.00 ms').waitFor();
    await page.screenshot({ path: 'out/bench.png', fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: 'out/bench_dark.png', fullPage: true });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
    await server.close();
  }
});

/** Two results and a profile, `factor` ms and twice that. */
function drawn(factor: number): Pick<Report, 'results' | 'profile'> {
  const result = (label: string, p50: number): Result => ({
    ...report.results[0]!,
    ...{ id: label, label, ms: { p5: 0.99 * p50, p50, p95: 1.01 * p50, spread: 2, samples: 9, repeats: 1 } },
  });
  const node = {
    label: 'backbone.conv1',
    kernel: 'conv2d',
    shape: [1],
    macs: 1e6,
    bytes: 4,
    microseconds: 2000,
  };
  const nodes = [node, { ...node, label: 'rpn.nms', kernel: 'nms_scan', macs: 0 }];
  return {
    results: [result('slow', 2 * factor), result('fast', factor)],
    profile: { picture: 'a picture', runMs: 5, nodes },
  };
}
