// Detections in the COCO results format, as pycocotools' COCO.loadRes reads it.

import type { Detection } from '../node';

export interface CocoResult {
  /** Position of the picture in the arguments, from 0. */
  image_id: number;
  file_name: string;
  /** Class index; 0 is the background. */
  category_id: number;
  category: string;
  /** x, y, width, height in pixels. */
  bbox: [number, number, number, number];
  score: number;
  segmentation?: { size: [number, number]; counts: string };
}

/** One picture's results, by descending score. */
export function cocoResults(
  imageId: number,
  fileName: string,
  detections: readonly Detection[],
): CocoResult[] {
  return [...detections]
    .sort((a, b) => b.score - a.score)
    .map(({ label, classIndex, score, box: [x1, y1, x2, y2], mask }) => ({
      image_id: imageId,
      file_name: fileName,
      category_id: classIndex,
      category: label,
      bbox: [rounded(x1), rounded(y1), rounded(x2 - x1), rounded(y2 - y1)],
      score: Number(score.toPrecision(9)), // as many digits as a float32 has
      ...(mask && { segmentation: mask.rle() }),
    }));
}

/** To 1/10000 of a pixel. */
function rounded(pixels: number): number {
  return Math.round(pixels * 1e4) / 1e4;
}

/** JSON with one result a line, so that files can be compared and searched. */
export function cocoJson(results: readonly CocoResult[]): string {
  return results.length === 0
    ? '[]\n'
    : `[\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n]\n`;
}
