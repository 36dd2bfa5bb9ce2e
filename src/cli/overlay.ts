// Detections drawn over their picture: masks tinted and outlined, boxes, skeletons, labels, and a legend with the
// counts.
// Hundreds of small objects stay readable: outlines are thin, a small object with a mask gets no box, and labels
// are left out where their box is too small or where they would cover one another.

import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Detection, RawImage } from '../node';
import { drawSkeleton } from './skeleton';

const TINT = 0.35; // of a mask's pixels
const SMALL_BOX = 24; // pixels, times the scale, under which a box is not drawn around a mask
const LEGEND_ROWS = 8;

/** An axis-aligned rectangle: left, top, right, bottom. */
type Rectangle = readonly [number, number, number, number];

/** Fills the context's canvas, which has the picture's size. `fontFamily` as in CSS. */
export function drawOverlay(
  context: SKRSContext2D,
  image: RawImage,
  detections: readonly Detection[],
  fontFamily: string,
): void {
  const { width, height } = image;
  const scale = Math.max(1, Math.round(Math.max(width, height) / 1200));
  const pixels = context.createImageData(width, height);
  pixels.data.set(image.data);
  const ranked = [...detections].sort((a, b) => b.score - a.score);
  const colours = ranked.map((_, i) => colour(i));
  for (let i = ranked.length - 1; i >= 0; i--) tintMask(pixels.data, width, ranked[i]!, colours[i]!, scale);
  context.putImageData(pixels, 0, 0);

  context.lineWidth = scale;
  ranked.forEach((detection, i) => {
    drawBox(context, detection, colours[i]!, SMALL_BOX * scale);
  });
  const line = Math.max(2, 2 * scale - 1);
  for (let i = ranked.length - 1; i >= 0; i--) {
    drawSkeleton(context, ranked[i]!.keypoints ?? [], `rgb(${colours[i]})`, line);
  }
  const size = Math.max(10, Math.min(11 * scale, Math.round(Math.max(width, height) / 40)));
  context.font = `${size}px ${fontFamily}`;
  context.textBaseline = 'top';
  const taken: Rectangle[] = [];
  const legend = drawLegend(context, ranked, size, [width, height]);
  if (legend) taken.push(legend);
  const named = new Set(ranked.map(({ classIndex }) => classIndex)).size > 1; // of one class the legend says all
  ranked.forEach((detection, i) => {
    const texts = [detection.score.toFixed(2)];
    if (named) texts.unshift(`${detection.label} ${texts[0]}`);
    const place = drawLabel(context, texts, detection.box, colours[i]!, size, taken, [width, height]);
    if (place) taken.push(place);
  });
}

/** Colours that differ for neighbours in rank: hues by the golden angle, in three lightnesses. */
export function colour(index: number): [number, number, number] {
  const hue = (index * 137.508 + 20) % 360;
  const lightness = [0.6, 0.5, 0.7][index % 3]!;
  const chroma = 1 - Math.abs(2 * lightness - 1);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - (chroma / 2) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Mixes a mask's colour into RGBA pixels, in full along its border of `border` pixels. */
function tintMask(
  rgba: Uint8ClampedArray,
  imageWidth: number,
  { mask }: Detection,
  rgb: readonly number[],
  border: number,
): void {
  if (!mask) return;
  const { x, y, width, height, data } = mask.region();
  const inside = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width && data[row * width + column] === 1;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!inside(row, column)) continue;
      const within =
        inside(row - border, column) &&
        inside(row + border, column) &&
        inside(row, column - border) &&
        inside(row, column + border);
      const share = within ? TINT : 1;
      const at = 4 * ((y + row) * imageWidth + x + column);
      for (let i = 0; i < 3; i++) rgba[at + i] = (1 - share) * rgba[at + i]! + share * rgb[i]!;
    }
  }
}

function drawBox(
  context: SKRSContext2D,
  { mask, box: [x1, y1, x2, y2] }: Detection,
  rgb: readonly number[],
  small: number,
): void {
  if (mask && Math.max(x2 - x1, y2 - y1) < small) return;
  context.strokeStyle = `rgba(${rgb.join()}, ${mask ? 0.7 : 1})`;
  const [left, top] = [Math.round(x1) + 0.5, Math.round(y1) + 0.5]; // on the middles of pixels: crisp lines
  context.strokeRect(left, top, Math.round(x2 - x1) - 1, Math.round(y2 - y1) - 1);
}

/** Draws the first text that fits above its box, or inside at the top; returns where, if any does. */
function drawLabel(
  context: SKRSContext2D,
  texts: readonly string[],
  [x1, y1, x2, y2]: Detection['box'],
  rgb: readonly number[],
  size: number,
  taken: readonly Rectangle[],
  [width, height]: readonly [number, number],
): Rectangle | undefined {
  for (const text of texts) {
    const across = Math.ceil(context.measureText(text).width) + 4;
    if (across > 1.2 * (x2 - x1) || across > width || 2 * size > y2 - y1) continue;
    const left = Math.max(0, Math.min(Math.round(x1), width - across));
    for (const top of [Math.round(y1) - size - 3, Math.round(y1) + 1]) {
      const place: Rectangle = [left, top, left + across, top + size + 3];
      if (top < 0 || place[3] > height || taken.some((other) => overlap(place, other))) continue;
      context.fillStyle = `rgb(${rgb.join()})`;
      context.fillRect(left, top, across, size + 3);
      context.fillStyle = contrast(rgb);
      context.fillText(text, left + 2, top + 1);
      return place;
    }
  }
  return undefined;
}

/** Counts by class, in the corner where they hide the fewest objects, if there is room; returns where. */
function drawLegend(
  context: SKRSContext2D,
  detections: readonly Detection[],
  size: number,
  [width, height]: readonly [number, number],
): Rectangle | undefined {
  const lines = legendLines(detections);
  const line = size + 4;
  const across = Math.ceil(Math.max(...lines.map((text) => context.measureText(text).width))) + 10;
  const down = lines.length * line + 6;
  if (across > width / 2 || down > height / 3) return undefined;
  const corners = [height - down, 0].flatMap((top) =>
    [0, width - across].map((left): Rectangle => [left, top, left + across, top + down]),
  );
  const hidden = corners.map((corner) => detections.filter(({ box }) => overlap(box, corner)).length);
  const place = corners[hidden.indexOf(Math.min(...hidden))]!;
  context.fillStyle = 'rgba(0, 0, 0, 0.65)';
  context.fillRect(place[0], place[1], across, down);
  context.fillStyle = 'white';
  lines.forEach((text, i) => {
    context.fillText(text, place[0] + 5, place[1] + 4 + i * line);
  });
  return place;
}

export function legendLines(detections: readonly Detection[]): string[] {
  if (detections.length === 0) return ['no objects'];
  const counts = new Map<string, number>();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  const rows = [...counts].sort(([, a], [, b]) => b - a).map(([label, count]) => `${count} ${label}`);
  if (rows.length <= LEGEND_ROWS) return rows;
  return [...rows.slice(0, LEGEND_ROWS - 1), `and ${rows.length - LEGEND_ROWS + 1} classes more`];
}

function overlap(a: Rectangle, b: Rectangle): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** Black or white, whichever is read more easily on a colour. */
function contrast([red, green, blue]: readonly number[]): string {
  return 0.299 * red! + 0.587 * green! + 0.114 * blue! > 140 ? 'black' : 'white';
}
