// `draw` on real canvases of Chromium, against the picture composed in f64 from what `detect` finds; and videos,
// frames and canvases as pictures.

import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MASK_THRESHOLD } from '../src/model/mask_rcnn';
import { palette } from '../src/model/palette';
import { buildLibrary } from './built_library';
import { CANVAS_FLAGS, launchChromium } from './chromium';
import { picture } from './engine';
import { indices, tensor } from './kernel_case';
import { type Drawing, drawDetections } from './reference/draw';
import { send, serve, type WebServer } from './web_server';

declare global {
  // in the page, not here
  var pixelsOf: (drawable: CanvasImageSource, width: number, height: number) => number[];
  var nuclei: HTMLImageElement;
}

const PICTURE = 'tests/images/nuclei_192x256.png';
const [WIDTH, HEIGHT] = [256, 192];
/** A network that takes SwiftShader a second. */
const SMALL = {
  minSize: 128,
  maxSize: 256,
  rpnPreNmsTopN: 60,
  rpnPostNmsTopN: 30,
  boxDetectionsPerImg: 8,
};
const TIMEOUT = 300_000;

let library: Awaited<ReturnType<typeof buildLibrary>> | undefined;
let server: WebServer | undefined;
let browser: Browser | undefined;
let page: Page;

beforeAll(async () => {
  library = await buildLibrary();
  server = await serve({
    '/': (response) => send(response, readFileSync('tests/browser_page.html'), 'text/html'),
    '/library/': library.folder,
    '/models/': resolve('models'),
    '/images/': resolve('tests/images'),
  });
  browser = await launchChromium(CANVAS_FLAGS);
  page = await browser.newPage();
  await page.goto(`${server.url}/`);
  await page.waitForFunction(() => globalThis.maskrcnn);
  await page.evaluate(async (options) => {
    globalThis.pixelsOf = (drawable, width, height) => {
      const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
      context.drawImage(drawable, 0, 0);
      return [...context.getImageData(0, 0, width, height).data];
    };
    globalThis.nuclei = new Image();
    nuclei.src = '/images/nuclei_192x256.png';
    await nuclei.decode();
    globalThis.model = await maskrcnn.MaskRCNN.load('/models/nuclei.safetensors', options);
  }, SMALL);
}, TIMEOUT);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  library?.remove();
});

let drawing: Promise<Drawing & { bitmaps: number[][] }> | undefined;

/** What `detect` finds in the picture, and the picture, as the kernel's inputs. */
function found(): Promise<Drawing & { bitmaps: number[][] }> {
  drawing ??= detectIn();
  return drawing;
}

async function detectIn(): Promise<Drawing & { bitmaps: number[][] }> {
  const detections = await page.evaluate(async () => {
    const { detections } = await model.detect(nuclei);
    return detections.map(({ box, score, classIndex, mask }) => ({
      ...{ box, score, classIndex },
      probabilities: [...mask!.probabilities],
      bitmap: [...mask!.bitmap()],
    }));
  });
  const { data } = await picture(PICTURE);
  const [R, side] = [detections.length, Math.sqrt(detections[0]!.probabilities.length)];
  const colours = palette(60);
  return {
    pixels: indices([HEIGHT, WIDTH], new Uint32Array(new Uint8Array(data).buffer)),
    image_boxes: tensor(
      [R, 4],
      detections.flatMap(({ box }) => box),
    ),
    scores: tensor(
      [R],
      detections.map(({ score }) => score),
    ),
    labels: indices(
      [R],
      detections.map(({ classIndex }) => classIndex),
    ),
    count: indices([1], [R]),
    palette: tensor([60, 4], colours),
    probabilities: tensor(
      [R, side, side],
      detections.flatMap(({ probabilities }) => probabilities),
    ),
    bitmaps: detections.map(({ bitmap }) => bitmap),
  };
}

/** Bytes that depart by more than one, which is rounding's. */
function departures(got: number[], want: Float64Array): string[] {
  expect(got).toHaveLength(want.length);
  return got.flatMap((byte, i) =>
    Math.abs(byte - want[i]!) <= 1 ? [] : [`[${i}] got ${byte}, wanted ${want[i]}`],
  );
}

const ALL = { maskThreshold: MASK_THRESHOLD, colourBy: 'instance', opacity: 0.35 } as const;

test('what detect finds, drawn in one submit and without a readback', { timeout: TIMEOUT }, async () => {
  const drawing = await found();
  expect(drawing.scores.data.filter((score) => score >= 0.5).length).toBeGreaterThan(5);
  const { drawn, calls, result } = await page.evaluate(async () => {
    const calls = { mapAsync: 0, submit: 0 };
    const { mapAsync } = GPUBuffer.prototype;
    const { submit } = GPUQueue.prototype;
    GPUBuffer.prototype.mapAsync = function (...all) {
      calls.mapAsync++;
      return mapAsync.apply(this, all);
    };
    GPUQueue.prototype.submit = function (...all) {
      calls.submit++;
      return submit.apply(this, all);
    };
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [nuclei.naturalWidth, nuclei.naturalHeight];
    const result = await model.draw(nuclei, canvas.getContext('webgpu')!, { profile: true });
    GPUBuffer.prototype.mapAsync = mapAsync;
    GPUQueue.prototype.submit = submit;
    return { drawn: pixelsOf(canvas, canvas.width, canvas.height), calls, result };
  });
  expect(calls).toEqual({ mapAsync: 0, submit: 1 });
  expect(result).toMatchObject({ width: WIDTH, height: HEIGHT, profile: { submits: 1, readbacks: 0 } });
  const style = { ...ALL, scoreThreshold: 0.5, outlineWidth: 1.5, boxWidth: 0 };
  const want = drawDetections(drawing, { ...style, canvasHeight: HEIGHT, canvasWidth: WIDTH });
  expect(departures(drawn, want)).toEqual([]);
});

test('every layer, fitted into a bgra8unorm canvas of another shape', { timeout: TIMEOUT }, async () => {
  const drawing = await found();
  const [canvasWidth, canvasHeight] = [400, 240];
  const drawn = await page.evaluate(
    async ([width, height]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('webgpu')!;
      context.configure({ device: model.device, format: 'bgra8unorm', alphaMode: 'premultiplied' });
      const layers = ['masks', 'outlines', 'boxes'] as const;
      const options = { layers, scoreThreshold: 0.9, opacity: 0.6, lineWidth: 2.5 };
      await model.draw(nuclei, context, options);
      return pixelsOf(canvas, width, height);
    },
    [canvasWidth, canvasHeight] as const,
  );
  const style = { ...ALL, opacity: 0.6, scoreThreshold: 0.9, outlineWidth: 2.5, boxWidth: 2.5 };
  expect(departures(drawn, drawDetections(drawing, { ...style, canvasHeight, canvasWidth }))).toEqual([]);
  expect(drawn.slice(0, 4)).toEqual([0, 0, 0, 0]); // a bar
});

test('at its own size a mask covers the pixels of its bitmap', { timeout: TIMEOUT }, async () => {
  const { bitmaps, pixels } = await found();
  const drawn = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [nuclei.naturalWidth, nuclei.naturalHeight];
    const options = { layers: ['masks'], opacity: 1, scoreThreshold: 0 } as const;
    await model.draw(nuclei, canvas.getContext('webgpu')!, options);
    return pixelsOf(canvas, canvas.width, canvas.height);
  });
  const colours = palette(60);
  const wrong: string[] = [];
  let covered = 0;
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const owners = bitmaps.flatMap((bitmap, r) => (bitmap[i] ? [r] : []));
    if (owners.length > 1) continue; // the one on top may be thin
    covered += owners.length;
    const near =
      owners[0] ??
      bitmaps.findIndex((bitmap) => bitmap[i - 1] || bitmap[i + 1] || bitmap[i - WIDTH] || bitmap[i + WIDTH]);
    if (near < 0) continue;
    const channels = [0, 1, 2].map((c) => {
      const under = (pixels.data[i]! >>> (8 * c)) & 255;
      return { under, ink: 255 * colours[4 * near + c]!, got: drawn[4 * i + c]! };
    });
    const { under, ink, got } = channels.sort(
      (a, b) => Math.abs(b.ink - b.under) - Math.abs(a.ink - a.under),
    )[0]!;
    const share = (got - under) / (ink - under);
    const edge = 0.6 / Math.abs(ink - under); // what rounding to bytes may hide
    if (owners.length ? share < 0.5 - edge : share > 0.5 + edge) wrong.push(`pixel ${i}: ${share}`);
  }
  expect(covered).toBeGreaterThan(1000);
  expect(wrong).toEqual([]);
});

test('frames, videos and canvases are seen as their pixels', { timeout: TIMEOUT }, async () => {
  const { answers, streamed, drawn } = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [nuclei.naturalWidth, nuclei.naturalHeight];
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    context.drawImage(nuclei, 0, 0);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const cut = new VideoFrame(canvas, {
      timestamp: 0,
      visibleRect: { x: 16, y: 32, width: 128, height: 96 },
    });
    const plain = async (image: Parameters<typeof model.detect>[0]) => {
      const { detections, width, height } = await model.detect(image);
      const found = detections.map(({ score, box, mask }) => [score, box, mask!.rle().counts]);
      return JSON.stringify([width, height, found]);
    };
    const answers = {
      whole: [
        await plain(context.getImageData(0, 0, canvas.width, canvas.height)),
        await plain(canvas),
        await plain(frame),
      ],
      part: [await plain(context.getImageData(16, 32, 128, 96)), await plain(cut)],
    };
    cut.close();

    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = canvas.captureStream(10);
    const redraw = setInterval(() => context.drawImage(nuclei, 0, 0), 50); // a stream sends what changes
    await video.play();
    const { detections } = await model.detect(video);
    const streamed = detections.map(({ score, box }) => ({ score, box }));
    clearInterval(redraw);
    const shown = document.createElement('canvas');
    [shown.width, shown.height] = [2 * canvas.width, 2 * canvas.height];
    await model.draw(frame, shown.getContext('webgpu')!);
    const seen = pixelsOf(shown, shown.width, shown.height);
    shown.id = 'shown'; // on the page only now: what it has shown there, a canvas does not give back
    document.body.append(shown);
    await model.draw(frame, shown.getContext('webgpu')!);
    frame.close();
    const still = document.createElement('canvas');
    [still.width, still.height] = [shown.width, shown.height];
    await model.draw(nuclei, still.getContext('webgpu')!);
    const bytes = pixelsOf(still, still.width, still.height);
    const drawn = seen.filter((byte, i) => byte !== bytes[i]).length;
    return { answers, streamed, drawn };
  });
  for (const [same, ...others] of Object.values(answers))
    for (const other of others) expect(other).toBe(same);
  expect(drawn).toBe(0);
  mkdirSync('out', { recursive: true });
  await page.locator('#shown').screenshot({ path: 'out/draw.png' });

  const [, , still] = JSON.parse(answers.whole[0]!) as [number, number, [number, number[]][]];
  const sure = still.filter(([score]) => score > 0.9);
  expect(sure.length).toBeGreaterThan(5);
  for (const [, box] of sure) {
    // a stream's colours may be those of video, with fewer digits and coarser hues
    const near = streamed.some((other) => other.box.every((side, i) => Math.abs(side - box[i]!) < 2));
    expect(near, `${box}`).toBe(true);
  }
});

test('what cannot be drawn, or drawn on, says what to do', { timeout: TIMEOUT }, async () => {
  const failures = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(64, 64);
    const context = canvas.getContext('webgpu')!;
    const image = new ImageData(64, 64);
    const flat = new OffscreenCanvas(8, 8).getContext('2d') as unknown as GPUCanvasContext;
    const nowhere = new OffscreenCanvas(0, 8).getContext('webgpu')!;
    const other = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const foreign = new OffscreenCanvas(8, 8).getContext('webgpu')!;
    foreign.configure({ device: other, format: 'rgba8unorm' });
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    frame.close();
    const { hostname, port, protocol } = location;
    const elsewhere = new Image();
    elsewhere.src = `${protocol}//${hostname === 'localhost' ? '127.0.0.1' : 'localhost'}:${port}/images/nuclei_192x256.png`;
    await elsewhere.decode();
    const tainted = document.createElement('canvas');
    tainted.getContext('2d')!.drawImage(elsewhere, 0, 0);
    const outcomes = {
      flat: await failure(model.draw(image, flat)),
      nowhere: await failure(model.draw(image, nowhere)),
      foreign: await failure(model.draw(image, foreign)),
      opacity: await failure(model.draw(image, context, { opacity: 2 })),
      layer: await failure(model.draw(image, context, { layers: ['labels' as 'boxes'] })),
      lineWidth: await failure(model.draw(image, context, { lineWidth: 0 })),
      aborted: await failure(model.draw(image, context, { signal: AbortSignal.abort() })),
      closed: await failure(model.draw(frame, context)),
      video: await failure(model.detect(document.createElement('video'))),
      tainted: await failure(model.draw(tainted, context)),
      crossOrigin: await failure(model.detect(elsewhere)),
    };
    other.destroy();
    return outcomes;
  });
  expect(failures).toEqual({
    flat: expect.stringMatching(/^CanvasError: .*getContext\('webgpu'\).*OffscreenCanvasRenderingContext2D/),
    nowhere: expect.stringMatching(/^CanvasError: .*0 x 8/),
    foreign: expect.stringMatching(/^CanvasError: .*another GPU device.*model\.device/),
    opacity: expect.stringMatching(/^MaskRcnnError: .*opacity from 0 to 1; got 2/),
    layer: expect.stringMatching(/^MaskRcnnError: .*masks,outlines,boxes; got labels/),
    lineWidth: expect.stringMatching(/^MaskRcnnError: .*lineWidth above 0/),
    aborted: expect.stringMatching(/^AbortError: /),
    closed: expect.stringMatching(/^ImageError: .*0 x 0; is it loaded, or closed/),
    video: expect.stringMatching(/^ImageError: .*0 x 0; is it loaded/),
    tainted: expect.stringMatching(/^ImageError: .*crossOrigin="anonymous"/),
    crossOrigin: expect.stringMatching(/^ImageError: .*crossOrigin="anonymous"/),
  });
});

test('destroy() frees what drawing took', { timeout: TIMEOUT }, async () => {
  const { before, after, failed } = await page.evaluate(async () => {
    const before = liveBuffers.size;
    model.destroy();
    const context = new OffscreenCanvas(8, 8).getContext('webgpu')!;
    return { before, after: liveBuffers.size, failed: await failure(model.draw(nuclei, context)) };
  });
  expect(before).toBeGreaterThan(20);
  expect(after).toBe(0);
  expect(failed).toMatch(/^DeviceLostError: draw: the model was destroyed/);
});
