// One subject on the page Explore in Chromium: a model and a picture, the run that the page shows, and that run's own
// tensors, which the page hands out as `run`. What the page shows is held against them.

import { mkdirSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from 'playwright';
import { expect } from 'vitest';
import type { RunInfo } from '../../../demo/engine/explore_run';
import { paint, type Range, rangeOf, type ScaleName } from '../../../demo/explore/logic/colour_scale';
import type { Slice } from '../../../demo/explore/logic/slices';
import type { HostTensor } from '../../../src/graph/program';

export const TIMEOUT = 240_000;
export const SHOTS = 'out/explore';
const DESKTOP = { width: 1440, height: 1000 };
const PHONE = { width: 360, height: 740 };

/** What a test of a chapter gets. */
export interface Stage {
  /** Names the screenshots. */
  readonly name: string;
  /** Whether axe looks at every chapter, and at a phone's width; else it is only photographed. */
  readonly thorough: boolean;
  readonly page: Page;
  /** Of the run that is shown; masks have their numbers of pixels. */
  readonly info: PlainInfo;
  tensor(label: string): Promise<HostTensor>;
}

export type PlainInfo = Omit<RunInfo, 'found'> & {
  found: (Omit<RunInfo['found'][number], 'mask'> & { pixels: number })[];
};

/** The page's global. */
type Shown = {
  run: {
    value: {
      info: RunInfo;
      tensor(label: string): Promise<HostTensor>;
      wgsl(node: unknown): Promise<string>;
    };
  };
};

/** Once the page shows a run. */
export async function stageOf(name: string, page: Page, thorough = false): Promise<Stage> {
  mkdirSync(SHOTS, { recursive: true });
  const info = await page.evaluate(() => {
    const { found, ...rest } = (globalThis as unknown as Shown).run.value.info;
    const plain = found.map(({ mask, ...object }) => ({
      ...object,
      pixels: mask ? mask.data.reduce((sum, bit) => sum + bit, 0) : 0,
    }));
    return { ...rest, found: plain };
  });
  return { name, thorough, page, info: info as PlainInfo, tensor: (label) => tensorOf(page, label) };
}

async function tensorOf(page: Page, label: string): Promise<HostTensor> {
  const { shape, whole, base64 } = await page.evaluate(async (wanted) => {
    const { shape, data } = await (globalThis as unknown as Shown).run.value.tensor(wanted);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) {
      text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    }
    return { shape, whole: data instanceof Uint32Array, base64: btoa(text) };
  }, label);
  const { buffer } = Uint8Array.from(Buffer.from(base64, 'base64'));
  return { shape, data: whole ? new Uint32Array(buffer) : new Float32Array(buffer) };
}

/** The WGSL that a node of the run ran. */
export function wgslOf({ page }: Stage, index: number): Promise<string> {
  return page.evaluate((at) => {
    const shown = (globalThis as unknown as Shown).run.value;
    return shown.wgsl(shown.info.nodes[at]);
  }, index);
}

/** Opens a chapter on the run that is there, and waits for its view. */
export async function open({ page }: Stage, chapter: string): Promise<Locator> {
  await page.evaluate((id) => {
    location.hash = `#/${id}`;
  }, chapter);
  await page.locator(`.contents a[aria-current="page"][href="#/${chapter}"]`).waitFor();
  const view = page.locator('.chapter-view');
  await view.locator('> *').first().waitFor();
  await expect.poll(() => view.locator('.waiting').count(), { timeout: 30_000 }).toBe(0);
  return view;
}

interface Look {
  /** Also on a phone in the dark. */
  phone?: boolean;
  /** What other chapters have, and axe has seen there. */
  seen?: readonly string[];
}

/** A picture of the chapter for people, on a desk in the light and on a phone in the dark; axe finds nothing in either. */
export async function inspect(
  { page, name, thorough }: Stage,
  chapter: string,
  { phone = true, seen = [] }: Look = {},
): Promise<void> {
  const shoot = async (what: string) => {
    await page.evaluate(() => scrollTo(0, 0)); // the text beside a view stays in sight: here, at the top
    await page.screenshot({ path: `${SHOTS}/${name}_${chapter}_${what}.png`, fullPage: true });
  };
  const find = async (axe: AxeBuilder) => {
    for (const part of seen) axe.exclude(part);
    const { violations } = await axe.analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual([]);
  };
  await shoot('light');
  if (!thorough) return;
  await find(new AxeBuilder({ page }));
  if (!phone) return;
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize(PHONE);
  const across = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(across, 'nothing sticks out').toBeLessThanOrEqual(PHONE.width);
  await shoot('phone');
  await find(new AxeBuilder({ page }).withRules(['color-contrast', 'scrollable-region-focusable']));
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(DESKTOP);
}

/** A number as `short` writes it. */
export function numberOf(text: string | null | undefined): number {
  return Number((text ?? '').replace('−', '-').replaceAll(',', ''));
}

/** The attribute of the only element that has it, as numbers. */
export async function dataOf(place: Locator, name: string): Promise<number[]> {
  const text = await place.locator(`[data-${name}]`).getAttribute(`data-${name}`);
  return text!.split(' ').map(Number);
}

/** Every pixel of a heat map is the colour of the tensor's number. */
export async function expectPainted(
  map: Locator,
  slice: Slice,
  scale: ScaleName,
  range: Range = rangeOf(slice.data, scale),
): Promise<void> {
  const wanted = [...paint(slice.data, scale, range)];
  const painted = () =>
    map
      .locator('canvas')
      .first()
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return [...new Uint32Array(data.buffer)];
      });
  await expect.poll(painted).toEqual(wanted);
}

/** Points with the mouse at the middle of a cell of a map of so many rows and columns. */
export async function hover(
  map: Locator,
  { height, width }: Pick<Slice, 'height' | 'width'>,
  y: number,
  x: number,
): Promise<void> {
  await map.scrollIntoViewIfNeeded();
  const box = (await map.boundingBox())!;
  const position = { x: ((x + 0.5) / width) * box.width, y: ((y + 0.5) / height) * box.height };
  await map.hover({ position });
}
