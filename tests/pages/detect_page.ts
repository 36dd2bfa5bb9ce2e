// The page Detect as its tests drive it: by what a visitor sees, and by what the engine has told the page.

import { readFileSync } from 'node:fs';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { BrowserContextOptions, Locator, Page } from 'playwright';
import type { MaskSource } from '../../src/index';
import type { Site } from './site';

export const TIMEOUT = 240_000;
/** The shorter side that pictures are resized to: small, for SwiftShader. */
export const SIZE = 96;
/** Sides of `nucleiCrop`. */
export const [WIDTH, HEIGHT] = [128, 96];

export interface Pixels {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** What the engine told the page of one object. */
export interface Told {
  label: string;
  classIndex: number;
  score: number;
  box: [number, number, number, number];
  /** A 0 or 1 for each pixel of the picture, row by row; empty without a mask. */
  bits: string;
  keypoints: { x: number; y: number; score: number }[];
}

declare global {
  interface Window {
    engine: {
      detect(...args: unknown[]): Promise<{ detections: PageDetection[] }>;
      api: { detect: { loseDevice(): Promise<void> } };
    };
    runs: { detections: PageDetection[] }[];
  }
}

type PageDetection = Omit<Told, 'bits'> & { mask?: { bitmap(): Uint8Array; source: MaskSource } };

/** A corner of the bundled picture in which SwiftShader finds all it needs. */
export async function nucleiCrop(): Promise<{ png: Buffer; pixels: Pixels }> {
  const canvas = createCanvas(WIDTH, HEIGHT);
  canvas.getContext('2d').drawImage(await loadImage('demo/public/nuclei.png'), -40, -60);
  const png = canvas.toBuffer('image/png');
  return { png, pixels: await decoded(png) };
}

/** A PNG's pixels, with alpha. */
export async function decoded(png: Uint8Array): Promise<Pixels> {
  const image = await loadImage(Buffer.from(png));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

export class DetectPage {
  private constructor(
    readonly page: Page,
    /** Errors that nobody has caught, and what the console was told of errors. */
    readonly faults: readonly string[],
  ) {}

  /** `prepare` sees the page before it goes anywhere. */
  static async open(
    site: Site,
    hash = '',
    options: BrowserContextOptions = {},
    prepare: (page: Page) => unknown = () => {},
  ): Promise<DetectPage> {
    const context = await site.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    const page = await context.newPage(); // axe wants a page of a context
    page.setDefaultTimeout(15_000);
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await prepare(page);
    await page.addInitScript(watchRuns);
    await page.goto(`${site.url}index.html${hash}`);
    return new DetectPage(page, faults);
  }

  close(): Promise<void> {
    return this.page.context().close();
  }

  button(name: string | RegExp, exact = false): Locator {
    return this.page.getByRole('button', { name, exact });
  }

  tab(name: string): Promise<void> {
    return this.page.getByRole('tab', { name }).click();
  }

  done(): Promise<void> {
    return this.page.getByRole('status').getByText('Done in').waitFor({ timeout: TIMEOUT });
  }

  fault(text: string | RegExp): Promise<void> {
    return this.page.getByRole('alert').getByText(text).waitFor();
  }

  /** How many objects the page says are shown. */
  async count(): Promise<number> {
    return Number(await this.page.locator('#count').textContent());
  }

  setScore(score: number): Promise<void> {
    return this.page.getByRole('slider', { name: /Score at least/ }).fill(String(score));
  }

  /** The visitor's own picture. */
  async choose(name: string, buffer: Buffer, mimeType = 'image/png'): Promise<void> {
    await this.page.locator('#file').setInputFiles({ name, mimeType, buffer });
    await this.page.locator(`#canvas[aria-label^="${name}"]`).waitFor();
    await this.done();
  }

  /** How often the network has run. */
  runs(): Promise<number> {
    return this.page.evaluate(() => window.runs.length);
  }

  /** What the engine told the page in its last run, of objects of at least this score. */
  told(least: number): Promise<Told[]> {
    return this.page.evaluate((score) => {
      const sure = window.runs.at(-1)!.detections.filter((detection) => detection.score >= score);
      return sure.map(({ mask, keypoints = [], ...rest }) => ({
        ...rest,
        bits: mask ? mask.bitmap().join('') : '',
        keypoints,
      }));
    }, least);
  }

  async download(click: () => Promise<void>): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> {
    const [file] = await Promise.all([this.page.waitForEvent('download'), click()]);
    return { name: file.suggestedFilename(), bytes: new Uint8Array(readFileSync(await file.path())) };
  }

  /** What a button of the tab Export hands out. */
  async saved(name: string): Promise<Uint8Array<ArrayBuffer>> {
    await this.tab('Export');
    return (await this.download(() => this.button(name).click())).bytes;
  }

  /** What is on the stage, in pixels of the screen. */
  async stage(): Promise<Pixels> {
    const url = await this.page
      .locator('#canvas')
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL('image/png'));
    return decoded(Buffer.from(url.split(',')[1]!, 'base64'));
  }

  /** Where a point of the picture, shown whole, is in the window. */
  async place(x: number, y: number, width = WIDTH, height = HEIGHT): Promise<[x: number, y: number]> {
    const frame = (await this.page.locator('#canvas').boundingBox())!;
    const scale = Math.min(frame.width / width, frame.height / height);
    const left = frame.x + (frame.width - width * scale) / 2;
    const top = frame.y + (frame.height - height * scale) / 2;
    return [left + x * scale, top + y * scale];
  }
}

/** In the page, before its own scripts: keeps what the engine gives. */
function watchRuns(): void {
  let watched: Window['engine'];
  window.runs = [];
  Object.defineProperty(window, 'engine', {
    get: () => watched,
    set(engine: Window['engine']) {
      const detect = engine.detect.bind(engine);
      engine.detect = async (...args) => {
        const result = await detect(...args);
        window.runs.push(result);
        return result;
      };
      watched = engine;
    },
  });
}
