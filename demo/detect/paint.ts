// Draws a picture and its instances on a 2D canvas, through a view: outlines stay as thin at every magnification.

import { type Instance, titleOf } from './instances';
import { drawKeypoints } from './paint_keypoints';
import type { Line, ShownLayer } from './settings_url';
import type { View } from './view';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Scene {
  bitmap: ImageBitmap;
  instances: readonly Instance[];
  layers: readonly ShownLayer[];
  /** Drawn stronger than the others, and labelled. */
  highlighted?: number | undefined;
  selected?: ReadonlySet<number>;
  line?: Line | undefined;
}

const TINT = 0.34; // of a mask's inside
const STRONG = 0.6; // of the highlighted one's
const FONT = 12; // CSS pixels

/** Fills the canvas. `view` is in CSS pixels, of which one has `density` canvas pixels. */
export function paint(context: Context, scene: Scene, view: View, density: number): void {
  const { bitmap, instances, layers, highlighted, selected } = scene;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const scale = density * view.scale;
  context.setTransform(scale, 0, 0, scale, density * view.x, density * view.y);
  context.imageSmoothingEnabled = view.scale < 3; // beyond, single pixels are wanted
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0);
  context.save();
  context.beginPath();
  context.rect(0, 0, bitmap.width, bitmap.height);
  context.clip();
  const pixel = 1 / view.scale; // a CSS pixel in the picture's
  for (const instance of instances.toReversed()) {
    const strong = instance.id === highlighted || selected?.has(instance.id) === true;
    drawShape(context, instance, layers, strong, pixel);
    if (instance.trail) drawTrail(context, instance, pixel);
  }
  context.restore();
  if (scene.line) drawLine(context, scene.line, bitmap, pixel);
  drawLabels(context, scene, view, density);
}

function drawShape(
  context: Context,
  { detection, colour, path }: Instance,
  layers: readonly ShownLayer[],
  strong: boolean,
  pixel: number,
): void {
  const masked = detection.mask !== undefined;
  if (masked && (layers.includes('masks') || strong)) {
    context.fillStyle = `rgb(${colour} / ${strong ? STRONG : TINT})`;
    context.fill(path, 'evenodd');
  }
  context.strokeStyle = `rgb(${colour})`;
  context.lineJoin = 'round';
  context.lineWidth = (strong ? 3 : 1.5) * pixel;
  if (masked && (layers.includes('outlines') || strong)) context.stroke(path);
  const jointed = detection.keypoints !== undefined && layers.includes('keypoints');
  if (layers.includes('boxes') || (strong && !masked) || !(masked || jointed)) {
    const [x1, y1, x2, y2] = detection.box;
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
  if (jointed) drawKeypoints(context, detection.keypoints!, colour, (strong ? 1.5 : 1) * pixel);
}

function drawTrail(context: Context, { trail, colour }: Instance, pixel: number): void {
  context.strokeStyle = `rgb(${colour} / 0.8)`;
  context.lineWidth = 2 * pixel;
  context.beginPath();
  for (const [x, y] of trail!) context.lineTo(x, y);
  context.stroke();
}

function drawLine(
  context: Context,
  [x1, y1, x2, y2]: Line,
  { width, height }: ImageBitmap,
  pixel: number,
): void {
  for (const [colour, thickness] of [
    ['#000', 5],
    ['#fff', 2.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = thickness * pixel;
    context.beginPath();
    context.moveTo(x1 * width, y1 * height);
    context.lineTo(x2 * width, y2 * height);
    context.stroke();
  }
}

/** Names and scores, where there is room: each at its box's top, the surest first, none over another. */
function drawLabels(context: Context, scene: Scene, view: View, density: number): void {
  const { instances, layers, highlighted } = scene;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.font = `600 ${FONT}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  const several = new Set(instances.map(({ detection }) => detection.classIndex)).size > 1;
  const taken: [left: number, top: number, right: number, bottom: number][] = [];
  const first = instances.filter(({ id }) => id === highlighted);
  const others = layers.includes('labels') ? instances.filter(({ id }) => id !== highlighted) : [];
  for (const instance of [...first, ...others]) {
    const { detection, colour, id } = instance;
    const [x1, y1, x2, y2] = detection.box.map(
      (edge, i) => edge * view.scale + (i % 2 ? view.y : view.x),
    ) as Four;
    const score = detection.score.toFixed(2);
    const followed = instance.trail !== undefined;
    const name = followed ? titleOf(instance) : detection.label;
    const always = id === highlighted;
    const texts = always || several || followed ? [`${name} ${score}`, name] : [score];
    const fitting = texts.find((text) => always || context.measureText(text).width + 8 <= 1.1 * (x2 - x1));
    if (fitting === undefined || (!always && y2 - y1 < FONT)) continue;
    const width = context.measureText(fitting).width + 8;
    const left = Math.max(0, Math.min(x1, context.canvas.width / density - width));
    const top = Math.max(0, y1 - FONT - 6);
    const place: Four = [left, top, left + width, top + FONT + 6];
    if (taken.some((other) => overlap(place, other))) continue;
    taken.push(place);
    context.fillStyle = `rgb(${colour})`;
    context.fillRect(left, top, width, FONT + 6);
    context.fillStyle = '#000';
    context.fillText(fitting, left + 4, top + 3);
  }
}

type Four = [number, number, number, number];

function overlap(a: Four, b: Four): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
