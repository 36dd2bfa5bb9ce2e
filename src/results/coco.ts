// Detections in the COCO results format, as pycocotools' COCO.loadRes reads it.

import { MaskRcnnError } from '../errors';
import { decodeRle, type Rle } from '../rle';
import type { Found, Picture } from './found';
import { measureBox, measureMask } from './measure';

export interface CocoResult {
  /** Position of the picture in the list, from 0. */
  image_id: number;
  file_name: string;
  /** The picture as given; tells apart two of the same name. */
  path: string;
  category_id: number;
  category: string;
  bbox: [number, number, number, number];
  score: number;
  segmentation?: Rle;
  keypoints?: number[];
}

/** JSON with one result a line, so that files can be compared and searched. */
export function cocoJson(pictures: readonly Picture[]): string {
  const lines = pictures.flatMap(({ id, name, path, found }) =>
    found.map(({ category_id, category, bbox, score, segmentation, keypoints }) => {
      const result: CocoResult = {
        image_id: id,
        file_name: name,
        path,
        category_id,
        category,
        bbox,
        score,
        ...(segmentation && { segmentation }),
        ...(keypoints && { keypoints }),
      };
      return JSON.stringify(result);
    }),
  );
  return lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`;
}

/** What `cocoJson` wrote, measured anew: path -> objects. Throws MaskRcnnError that names the file. */
export function readCoco(text: string, file: string): Map<string, Found[]> {
  const pictures = new Map<string, Found[]>();
  for (const { path, category_id, category, bbox, score, segmentation, keypoints } of parse(text, file)) {
    if (!pictures.has(path)) pictures.set(path, []);
    pictures.get(path)!.push({
      category_id,
      category,
      bbox,
      score,
      ...(segmentation && { segmentation }),
      ...(keypoints && { keypoints }),
      ...(segmentation ? measureRle(segmentation) : measureBox(bbox)),
    });
  }
  return pictures;
}

function parse(text: string, file: string): CocoResult[] {
  let results: unknown;
  try {
    results = JSON.parse(text);
  } catch (cause) {
    throw new MaskRcnnError(`${file}: is not JSON: ${String(cause)}`, { cause });
  }
  if (!Array.isArray(results) || results.some((result) => typeof result?.path !== 'string')) {
    throw new MaskRcnnError(`${file}: wanted results that maskrcnn wrote, each with its path`);
  }
  return results;
}

function measureRle(rle: Rle) {
  const [height, width] = rle.size;
  return measureMask({ x: 0, y: 0, width, height, data: decodeRle(rle) });
}
