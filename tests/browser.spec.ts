// The built library in a page of real Chromium: the same detections as in Node, every kind of picture, errors,
// abort, freeing, and memory. WebGPU is SwiftShader there, so that all but one test run a small network.

import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Browser, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MaskRCNN as Model } from '../src/mask_rcnn';
import { buildLibrary } from './built_library';
import { launchChromium } from './chromium';
import { nucleiModel, picture } from './engine';
import { expectSame, portable } from './portable_detections';
import { syntheticWeights } from './synthetic_weights';
import { send, serve, type WebServer } from './web_server';

declare global {
  // in the page (browser_page.html), not here
  var maskrcnn: typeof import('../src/index');
  var liveBuffers: Set<GPUBuffer>;
  var failure: (promise: Promise<unknown>) => Promise<string>;
  var model: Model;
  var loading: Promise<Model>;
  var loaded: number;
}

const PICTURE = 'tests/images/nuclei_192x256.png';
const WEIGHTS = 'models/nuclei.safetensors';
/** A network that takes SwiftShader a second or two. */
const SMALL = {
  minSize: 128,
  maxSize: 256,
  rpnPreNmsTopN: 100,
  rpnPostNmsTopN: 50,
  boxDetectionsPerImg: 8,
};
/** Detections just at the model's own threshold may be there in one place and not in the other. */
const SCORE = 0.3;
const TIMEOUT = 300_000;

let library: Awaited<ReturnType<typeof buildLibrary>> | undefined;
let server: WebServer | undefined;
let browser: Browser | undefined;
let page: Page;
let raw: Awaited<ReturnType<typeof picture>>;
/** Settles when the browser lets go of the address that never ends. */
let hungUp: Promise<void>;
let lastTenth: Promise<void> | undefined;

beforeAll(async () => {
  library = await buildLibrary();
  raw = await picture(PICTURE);
  server = await serve({
    '/': (response) => send(response, readFileSync('tests/browser_page.html'), 'text/html'),
    '/library/': library.folder,
    '/models/': resolve('models'),
    '/images/': resolve('tests/images'),
    '/pixels': (response) => send(response, new Uint8Array(raw.data), 'application/octet-stream'),
    '/html': (response) => send(response, '<!doctype html><p>Not found, but politely', 'text/html'),
    '/endless': sendHalf,
    '/large': sendLarge,
  });
  browser = await launchChromium();
}, TIMEOUT);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  library?.remove();
});

beforeEach(async () => {
  page = await open();
});

afterEach(() => page.close());

async function open(before?: () => void): Promise<Page> {
  const opened = await browser!.newPage();
  if (before) await opened.addInitScript(before);
  await opened.goto(`${server!.url}/`);
  await opened.waitForFunction(() => globalThis.maskrcnn);
  return opened;
}

/** Half of the weights, and then nothing more. */
function sendHalf(response: ServerResponse): void {
  const file = readFileSync(WEIGHTS);
  response.writeHead(200, { 'content-length': file.length });
  response.write(file.subarray(0, file.length / 2));
  hungUp = new Promise((done) => response.on('close', done));
}

/** torchvision's R50-FPN: 178 MB, made while it is sent; the last tenth when `lastTenth` settles. */
function sendLarge(response: ServerResponse): void {
  const { size, read } = syntheticWeights('maskrcnn');
  response.writeHead(200, { 'content-length': size });
  async function* copies() {
    let sent = 0;
    for await (const piece of read()) {
      if (sent > 0.9 * size) await lastTenth;
      sent += piece.length;
      yield Buffer.from(piece); // pieces are overwritten
    }
  }
  Readable.from(copies()).pipe(response);
}

test('the same detections as Node, from weights that came by URL', { timeout: TIMEOUT }, async () => {
  const { detections, progress, loadMs, timing, size } = await page.evaluate(async (scoreThreshold) => {
    const started = performance.now();
    const progress: { loaded: number; total?: number; stage: string }[] = [];
    const onProgress = (now: (typeof progress)[number]) => progress.push(now);
    const model = await maskrcnn.MaskRCNN.load('/models/nuclei.safetensors', { onProgress });
    const loadMs = performance.now() - started;
    const data = new Uint8Array(await (await fetch('/pixels')).arrayBuffer());
    const result = await model.detect({ data, width: 256, height: 192 }, { scoreThreshold });
    model.destroy();
    const detections = result.detections.map(({ label, classIndex, score, box, mask }) => ({
      label,
      classIndex,
      score,
      box,
      probabilities: [...mask!.probabilities],
      rle: mask!.rle(),
    }));
    return { detections, progress, loadMs, timing: result.timing, size: [result.width, result.height] };
  }, SCORE);
  console.info(`Chromium: load ${loadMs.toFixed()} ms, ${JSON.stringify(timing)}`);

  const total = readFileSync(WEIGHTS).length;
  expect(progress.at(-1)).toEqual({ loaded: total, total, stage: 'weights' });
  expect(progress.map(({ loaded }) => loaded)).toEqual(
    progress.map(({ loaded }) => loaded).sort((a, b) => a - b),
  );
  expect(size).toEqual([256, 192]);

  const node = await nucleiModel();
  const expected = await node.detect(raw, { scoreThreshold: SCORE });
  node.destroy();
  expect(expected.detections.length).toBeGreaterThan(10);
  expectSame(detections, expected.detections.map(portable), 'Chromium');
});

describe('a model in a page', () => {
  beforeEach(async () => {
    await page.evaluate(async (options) => {
      const adapter = await navigator.gpu.requestAdapter();
      const device = await adapter!.requestDevice();
      globalThis.model = await maskrcnn.MaskRCNN.load('/models/nuclei.safetensors', { device, ...options });
    }, SMALL);
  }, TIMEOUT);

  test('every kind of image gives the same, and overlapping calls queue', { timeout: TIMEOUT }, async () => {
    const { answers, finished } = await page.evaluate(async () => {
      const element = new Image();
      element.src = '/images/nuclei_192x256.png';
      await element.decode();
      const bitmap = await createImageBitmap(element);
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      const context = canvas.getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
      offscreen.getContext('2d')!.drawImage(bitmap, 0, 0);
      const data = new Uint8Array(await (await fetch('/pixels')).arrayBuffer());
      const frame = new VideoFrame(bitmap, { timestamp: 0 });
      const images = {
        'data, width, height': { data, width: 256, height: 192 },
        RGB: { data: data.filter((_, i) => i % 4 < 3), width: 256, height: 192 },
        ImageData: context.getImageData(0, 0, canvas.width, canvas.height),
        '<img>': element,
        ImageBitmap: bitmap,
        canvas,
        OffscreenCanvas: offscreen,
        VideoFrame: frame,
      };
      const finished: string[] = [];
      const detecting = Object.entries(images).map(async ([kind, image]) => {
        const { detections } = await model.detect(image);
        finished.push(kind);
        const plain = detections.map(({ score, box, mask }) => [score, box, mask!.rle().counts]);
        return [kind, JSON.stringify(plain)];
      });
      const answers: Record<string, string> = Object.fromEntries(await Promise.all(detecting));
      frame.close();
      return { answers, finished };
    });
    const [first, ...others] = Object.entries(answers);
    expect(JSON.parse(first![1])).toHaveLength(SMALL.boxDetectionsPerImg);
    for (const [kind, answer] of others) expect(answer, kind).toBe(first![1]);
    expect(finished).toEqual(Object.keys(answers));
  });

  test('an aborted call is dropped, and the next ones go on', { timeout: TIMEOUT }, async () => {
    const outcomes = await page.evaluate(async () => {
      const image = new ImageData(64, 64);
      const controller = new AbortController();
      const before = failure(model.detect(image, { signal: AbortSignal.abort() }));
      const during = failure(model.detect(image, { signal: controller.signal }));
      setTimeout(() => controller.abort(), 50);
      const waiting = failure(model.detect(image, { signal: controller.signal }));
      const after = failure(model.detect(image));
      return Promise.all([before, during, waiting, after]);
    });
    const aborted = expect.stringMatching(/^AbortError: /);
    expect(outcomes).toEqual([aborted, aborted, aborted, 'no failure']);
  });

  test('images that are none are ImageErrors', { timeout: TIMEOUT }, async () => {
    const failures = await page.evaluate(async () => {
      const closed = await createImageBitmap(new ImageData(2, 2));
      closed.close();
      const canvas = document.createElement('canvas');
      canvas.width = 0;
      const few = { data: new Uint8Array(15), width: 2, height: 2 };
      const images = [{ data: new Uint8Array(0), width: 0, height: 0 }, few, closed, canvas, new Image()];
      const words = [null, undefined, 'cat.png', {}, document.body].map(
        (wrong) => wrong as unknown as ImageData,
      );
      return Promise.all([...images, ...words].map((image) => failure(model.detect(image))));
    });
    for (const failed of failures) expect(failed).toMatch(/^ImageError: .*wanted an image/);
  });

  test('a lost device is told, to the call under way and to the next', { timeout: TIMEOUT }, async () => {
    const failures = await page.evaluate(async () => {
      const image = new ImageData(64, 64);
      await model.detect(image);
      const underWay = failure(model.detect(image));
      setTimeout(() => model.device.destroy(), 20);
      return [await underWay, await failure(model.detect(image))];
    });
    for (const failed of failures) expect(failed).toMatch(/^DeviceLostError: /);
    expect(failures[1]).toMatch(/detect: the GPU device was lost \(destroyed\)/);
  });

  test('destroy() frees every buffer, and ends the call under way', { timeout: TIMEOUT }, async () => {
    const { failures, before, after, kept } = await page.evaluate(async () => {
      const image = new ImageData(64, 64);
      await model.detect(image);
      const before = liveBuffers.size;
      const underWay = failure(model.detect(image));
      await new Promise((resolve) => setTimeout(resolve, 20));
      model.destroy();
      model.destroy(); // twice does no harm
      const failures = [await underWay, await failure(model.detect(image))];
      const lost = model.device.lost.then(() => 'lost');
      const kept = await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, 50, 'kept'))]);
      return { failures, before, after: liveBuffers.size, kept };
    });
    for (const failed of failures) expect(failed).toMatch(/^DeviceLostError: /);
    expect(before).toBeGreaterThan(20);
    expect(after).toBe(0);
    expect(kept).toBe('kept'); // the device is the caller's
  });

  test('so it does while a picture of a new size is prepared', { timeout: TIMEOUT }, async () => {
    const outcomes = await page.evaluate(async (options) => {
      const { device } = model;
      model.destroy();
      const weights = await (await fetch('/models/nuclei.safetensors')).arrayBuffer();
      const outcomes: [string, number][] = [];
      for (const turns of [0, 1, 2, 3, 4, 6, 8, 12, 16, 24]) {
        const brief = await maskrcnn.MaskRCNN.load(weights, { device, ...options });
        const underWay = failure(brief.detect(new ImageData(64, 64)));
        for (let i = 0; i < turns; i++) await undefined;
        brief.destroy();
        outcomes.push([await underWay, liveBuffers.size]);
      }
      return outcomes;
    }, SMALL);
    for (const outcome of outcomes) expect(outcome).toEqual([expect.stringMatching(/^DeviceLostError: /), 0]);
  });
});

test('loading can be aborted at any time, and leaves nothing behind', { timeout: TIMEOUT }, async () => {
  const outcome = await page.evaluate(async () => {
    const { load } = maskrcnn.MaskRCNN;
    const devices: GPUDevice[] = [];
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      devices.push(device);
      return device;
    };
    const before = await failure(load('/endless', { signal: AbortSignal.abort() }));
    const controller = new AbortController();
    const loading = failure(load('/endless', { signal: controller.signal, onProgress: () => arrived() }));
    let arrived = () => {};
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
    controller.abort();
    const during = await loading;
    const lost = await Promise.all(devices.map((device) => device.lost));
    return { before, during, lost: lost.map(({ reason }) => reason), buffers: liveBuffers.size };
  });
  const aborted = expect.stringMatching(/^AbortError: /);
  expect(outcome).toEqual({ before: aborted, during: aborted, lost: ['destroyed'], buffers: 0 });
  await hungUp;
});

test('weights that are none are WeightErrors, and leave nothing behind', { timeout: TIMEOUT }, async () => {
  const { missing, html, cut, buffers } = await page.evaluate(async () => {
    const { load } = maskrcnn.MaskRCNN;
    const file = await (await fetch('/models/nuclei.safetensors')).blob();
    return {
      missing: await failure(load('/models/none.safetensors')),
      html: await failure(load('/html')),
      cut: await failure(load(file.slice(0, file.size - 1000))),
      buffers: liveBuffers.size,
    };
  });
  expect(missing).toMatch(/^WeightError: .*none\.safetensors.*404/);
  expect(html).toMatch(/^WeightError: .*HTML/);
  expect(cut).toMatch(/^WeightError: /);
  expect(buffers).toBe(0);
});

test('without WebGPU, or without an adapter, the error says what to do', { timeout: TIMEOUT }, async () => {
  const load = () => failure(maskrcnn.MaskRCNN.load('/models/nuclei.safetensors'));
  const without = await open(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
  expect(await without.evaluate(load)).toMatch(/^UnsupportedError: .*no WebGPU.*use a current/);
  await without.close();
  const refused = await open(() => {
    GPU.prototype.requestAdapter = async () => null;
  });
  expect(await refused.evaluate(load)).toMatch(/^UnsupportedError: .*no GPU adapter.*check chrome:\/\/gpu/);
  await refused.close();
});

test('178 MB of weights go to the GPU without staying on the heap', { timeout: TIMEOUT }, async () => {
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const usage = await session.send('Runtime.getHeapUsage');
    return (usage.usedSize + usage.backingStorageSize) / 2 ** 20; // the latter: of array buffers
  };
  const before = await heap();
  let send = () => {};
  lastTenth = new Promise((resolve) => {
    send = resolve;
  });
  await page.evaluate(() => {
    globalThis.loaded = 0;
    const onProgress = (progress: { loaded: number }) => {
      globalThis.loaded = progress.loaded;
    };
    globalThis.loading = maskrcnn.MaskRCNN.load('/large', { onProgress });
  });
  await page.waitForFunction(() => globalThis.loaded > 155e6, null, { timeout: TIMEOUT });
  const during = (await heap()) - before;
  send();
  await page.evaluate(() => globalThis.loading.then(() => {}));
  const after = (await heap()) - before;
  console.info(
    `178 MB loaded; the heap grew by ${during.toFixed(1)} MiB meanwhile, ${after.toFixed(1)} MiB in all`,
  );
  expect(during).toBeLessThan(15.2); // 16 MB
  expect(after).toBeLessThan(8);
});
