// One object as the outputs tell it: the fields of COCO's results, and the measures of its shape.

import type { Detection } from '../detection';
import type { Rle } from '../rle';
import { type Measures, measureBox, measureMask, rounded } from './measure';

export interface Found extends Measures {
  /** Class index; 0 is the background. */
  category_id: number;
  category: string;
  /** x, y, width, height in pixels. */
  bbox: [number, number, number, number];
  score: number;
  segmentation?: Rle;
  /** x, y, 1 of each, in pixels, in COCO's order. */
  keypoints?: number[];
}

/** One picture that is done. */
export interface Picture {
  /** Position in the list, from 0. */
  id: number;
  name: string;
  path: string;
  found: readonly Found[];
}

/** One picture's objects, by descending score. */
export function foundObjects(detections: readonly Detection[]): Found[] {
  return [...detections]
    .sort((a, b) => b.score - a.score)
    .map(({ label, classIndex, score, box: [x1, y1, x2, y2], mask, keypoints }) => {
      const bbox: Found['bbox'] = [rounded(x1), rounded(y1), rounded(x2 - x1), rounded(y2 - y1)];
      return {
        category_id: classIndex,
        category: label,
        bbox,
        score: Number(score.toPrecision(9)), // as many digits as a float32 has
        ...(mask && { segmentation: mask.rle() }),
        ...(keypoints && { keypoints: keypoints.flatMap(({ x, y }) => [rounded(x), rounded(y), 1]) }),
        ...(mask ? measureMask(mask.region()) : measureBox(bbox)),
      };
    });
}

/** Class -> its objects; the class with the most first. */
export function byClass(objects: readonly Found[]): Map<string, Found[]> {
  const classes = new Map<string, Found[]>();
  for (const found of objects) {
    const same = classes.get(found.category);
    if (same) same.push(found);
    else classes.set(found.category, [found]);
  }
  return new Map([...classes].sort(([, a], [, b]) => b.length - a.length));
}
