// What bench/peers makes of its measurements. The engines themselves are not run here.

import { expect, test } from 'vitest';
import { compareFound, difference } from '../bench/peers/compare';
import { gflop, LAYER_CASES, toChannelsFirst, toChannelsLast } from '../bench/peers/layer_cases';
import { barsOf, type LayerResult } from '../bench/peers/report';
import { geometricMean, median, spread, steadyStateMs, timed } from '../bench/peers/timing';

test('median, spread and mean', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(spread([90, 100, 120])).toBeCloseTo(30);
  expect(geometricMean([1, 4, 16])).toBeCloseTo(4);
});

test('no run is begun that would end beyond the limit', async () => {
  let runs = 0;
  let destroyed = 0;
  const create = async () => ({
    run: () => new Promise<number>((done) => setTimeout(() => done(++runs), 20)),
    destroy: () => void destroyed++,
  });
  const one = await timed(create, { runs: 3, limitMs: 10 });
  expect([one.timing.steadyMs.length, one.result, destroyed]).toEqual([0, 1, 1]);
  expect(steadyStateMs(one.timing)).toBe(one.timing.firstMs);
  const all = await timed(create, { runs: 3, limitMs: 60_000 });
  expect([all.timing.steadyMs.length, all.result, destroyed]).toEqual([3, 5, 2]);
});

test('differences keep what is not a number, and lengths that differ are an error', () => {
  expect(difference([1, -4], [1.5, -4])).toEqual({ max: 0.5, relative: 0.125 });
  expect(difference([1, 2, 3], [1, Number.NaN, 3]).max).toBeNaN();
  expect(() => difference([1], [1, 2])).toThrow('wanted 1 numbers; got 2');
});

test('detections are paired by label and place, not by order', () => {
  const mask = (...bits: number[]): Uint8Array => Uint8Array.from(bits);
  const ours = {
    boxes: [0, 0, 10, 10, 20, 20, 40, 40],
    scores: [0.9, 0.8],
    labels: [1, 2],
    masks: [mask(1, 1, 0, 0), mask(0, 0, 1, 1)],
  };
  const theirs = {
    boxes: [20, 20, 40, 41, 0, 0, 10, 10, 0, 0, 10, 10],
    scores: [0.75, 0.7, 0.6],
    labels: [2, 3, 1],
    masks: [mask(0, 0, 1, 1), mask(0, 0, 0, 0), mask(1, 0, 0, 0)],
  };
  const found = compareFound(ours, theirs);
  expect(found).toMatchObject({
    ours: 2,
    theirs: 3,
    paired: 2,
    box: 1,
    maskIou: 0.5,
    maskPixels: 1,
    maskArea: 4,
  });
  expect(found.score).toBeCloseTo(0.3);
});

test('layouts turn into each other', () => {
  const shape = [2, 3, 5, 4];
  const data = Float32Array.from({ length: 120 }, (_, i) => i);
  const first = toChannelsFirst(data, shape);
  expect(first[15]).toBe(1); // n 0, c 1, y 0, x 0
  expect(toChannelsLast(first, shape)).toEqual(data);
});

test('the layers are those of peers.md', () => {
  const flops = LAYER_CASES.map((layer) => Number(gflop(layer).toFixed(3)));
  expect(flops).toEqual([0.21, 0.21, 0.472, 7.55, 0.472, 0.482, 0.472, 4.624, 2.569, 25.69, 2.055]);
});

test('bars are against the faster of two peers, in steady state', () => {
  const timing = (ms: number) => ({ timing: { createMs: 1, firstMs: 1000, steadyMs: [ms] } });
  const layer = (ours: number, ort: number, tfjs: number): LayerResult => ({
    name: '',
    gflop: 1,
    engines: { ours: timing(ours), 'ort-webgpu': timing(ort), tfjs: timing(tfjs), 'ort-wasm': timing(0.1) },
  });
  const failed: LayerResult = { name: '', gflop: 1, engines: { ours: timing(1), tfjs: { error: 'late' } } };
  const layers = [layer(1, 4, 9), layer(2, 64, 18), failed];
  const bars = barsOf({ layers, detect: {} });
  expect(bars.map(({ measured, holds }) => [measured, holds])).toEqual([
    [expect.closeTo(6), true],
    [4, true],
  ]);
  expect(barsOf({ layers: [layer(2, 1, 4)], detect: {} }).map(({ holds }) => holds)).toEqual([false, false]);
  expect(barsOf({ layers: [failed], detect: {} })).toEqual([]);
});
