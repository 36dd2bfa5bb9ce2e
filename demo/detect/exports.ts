// The files that the page hands out, of the instances that are shown or selected.

import { cocoJson } from '../../src/results/coco';
import { csv } from '../../src/results/csv';
import type { Found } from '../../src/results/found';
import type { Picture } from '../pictures';
import type { Instance } from './instances';
import { paint, type Scene } from './paint';

/** Without the ending, if there is one. */
export function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '').replaceAll(/[^\p{L}\p{N}_-]+/gu, '_') || 'picture';
}

function foundOf(instances: readonly Instance[]): Found[] {
  return instances.flatMap(({ found }) => (found ? [found] : []));
}

/** COCO's results format, as `maskrcnn detect --json` writes it and pycocotools reads it. */
export function cocoOf({ name }: Picture, instances: readonly Instance[]): string {
  return cocoJson([{ id: 0, name, path: name, found: foundOf(instances) }]);
}

/** A row an object, as `maskrcnn detect --csv` writes it. */
export function csvOf({ name }: Picture, instances: readonly Instance[]): string {
  return csv([{ id: 0, name, path: name, found: foundOf(instances) }]);
}

/** The picture in its own resolution, with what is shown over it. */
export async function pictureOf(scene: Scene): Promise<Blob> {
  const { width, height } = scene.bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const density = Math.max(1, Math.max(width, height) / SCREEN); // lines and letters as on a screen
  paint(canvas.getContext('2d')!, scene, { scale: 1 / density, x: 0, y: 0 }, density);
  return canvas.convertToBlob({ type: 'image/png' });
}

const SCREEN = 1200; // pixels
