// From pixels of the network's input (resized, padded) to pixels of the visitor's picture, and back.

import { resizeTable, type Size } from '../../../src/model/transform';
import type { Area } from './receptive_field';

/** A rectangle in pixels of the picture: x1 y1 x2 y2, x2 and y2 outside. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

interface Sizes {
  readonly picture: Size;
  readonly resized: Size;
}

/** The pixels of the picture that an area of the input is interpolated from; undefined in the padding. */
export function pictureArea({ picture, resized }: Sizes, area: Area): Box | undefined {
  const columns = range(picture.width, resized.width, area.x0, area.x1);
  const rows = range(picture.height, resized.height, area.y0, area.y1);
  return columns && rows ? [columns[0], rows[0], columns[1] + 1, rows[1] + 1] : undefined;
}

/** First and last pixel that resized pixels `from` to `to` read. */
function range(nIn: number, nOut: number, from: number, to: number): [number, number] | undefined {
  const last = Math.min(to, nOut - 1);
  if (from > last) return undefined;
  const ends = (at: number) => resizeTable(nIn, nOut, at, 1).index;
  return [ends(from)[0]!, ends(last)[1]!];
}

/** A box in resized pixels, as the heads have it, in the picture's. */
export function toPicture({ picture, resized }: Sizes, box: ArrayLike<number>): Box {
  const x = picture.width / resized.width;
  const y = picture.height / resized.height;
  return [box[0]! * x, box[1]! * y, box[2]! * x, box[3]! * y];
}
