// Overlays as files: which names, and PNG encoding by @napi-rs/canvas.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import type { Detection, RawImage } from '../node';
import { drawOverlay } from './overlay';

const FONT = '@fontsource/b612-mono';
const FONT_FILE = `${FONT}/files/b612-mono-latin-400-normal.woff2`;

/**
 * A file in `folder` for each picture, named after it: cell.png for cell.jpg, cell-2.png for the next of that
 * name. None is another's, nor one of the pictures themselves.
 */
export function overlayNames(images: readonly string[], folder: string): string[] {
  const taken = new Set(images.map(key));
  return images.map((image) => {
    const stem = basename(image).replace(/\.[^.]+$/, '') || 'image';
    let name = join(folder, `${stem}.png`);
    for (let i = 2; taken.has(key(name)); i++) name = join(folder, `${stem}-${i}.png`);
    taken.add(key(name));
    return name;
  });
}

/** Some file systems do not tell Cell.png from cell.png. */
function key(path: string): string {
  return resolve(path).toLowerCase();
}

export async function writeOverlay(
  file: string,
  image: RawImage,
  detections: readonly Detection[],
): Promise<void> {
  const { createCanvas, GlobalFonts } = await import('@napi-rs/canvas');
  if (!GlobalFonts.has(FONT)) {
    const font = fontFile();
    if (font) GlobalFonts.register(font, FONT);
  }
  const canvas = createCanvas(image.width, image.height);
  const font = GlobalFonts.has(FONT) ? `"${FONT}", monospace` : 'monospace';
  drawOverlay(canvas.getContext('2d'), image, detections, font);
  await writeFile(file, await canvas.encode('png'));
}

/** The packaged font, so that labels are there on machines without fonts; undefined if it is not installed. */
function fontFile(): Buffer | undefined {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(FONT_FILE));
  } catch {
    return undefined; // the system's fonts must do
  }
}
