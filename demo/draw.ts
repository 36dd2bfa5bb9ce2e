// Draws detections over their picture at the screen's resolution: a mask is 28x28 probabilities over its box, so
// pasted into an enlarged picture its outline is smooth, however few pixels the picture has.

import { type Detection, Mask } from '../src/index';

/** A detection made ready to be drawn: its mask's pixels on the canvas. */
export interface Shape {
  readonly detection: Detection;
  readonly colour: readonly [number, number, number];
  readonly region: ReturnType<Mask['region']> | undefined;
}

export interface View {
  masks: boolean;
  boxes: boolean;
  /** Drawn stronger than the others. */
  chosen?: Shape | undefined;
}

const LONG_SIDE = 1400; // of the canvas, about
const LINE = 1.5; // pixels of the page
const TINT = 0.3; // of a mask's inside

// bright on dark fluorescence, and apart from the pinks and violets of stained tissue
const COLOURS: Shape['colour'][] = [
  [38, 222, 183],
  [255, 176, 46],
  [92, 163, 255],
  [240, 230, 70],
  [255, 110, 100],
  [120, 225, 95],
  [190, 140, 255],
  [70, 215, 240],
];

/** Canvas pixels for one of the picture's. */
export function scaleOf({ width, height }: { width: number; height: number }): number {
  return Math.min(8, Math.max(1, Math.round(LONG_SIDE / Math.max(width, height))));
}

/** By rank: colours go round. */
export function shapesOf(detections: readonly Detection[], picture: ImageBitmap): Shape[] {
  const scale = scaleOf(picture);
  return detections.map((detection, rank) => ({
    detection,
    colour: COLOURS[rank % COLOURS.length]!,
    region: detection.mask && enlarged(detection.mask, detection.box, picture, scale).region(),
  }));
}

function enlarged(
  { side, probabilities }: Mask,
  box: Detection['box'],
  picture: ImageBitmap,
  scale: number,
): Mask {
  return new Mask({
    side,
    probabilities,
    box: box.map((edge) => edge * scale),
    imageWidth: picture.width * scale,
    imageHeight: picture.height * scale,
  });
}

/** The picture, and the shapes over it; the first on top. */
export function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, shapes: Shape[], view: View): void {
  const scale = scaleOf(picture);
  const [width, height] = [picture.width * scale, picture.height * scale];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  const line = Math.max(1, Math.round((LINE * width) / (canvas.clientWidth || width)));
  if (view.masks) {
    const pixels = context.getImageData(0, 0, width, height);
    for (const shape of shapes.toReversed()) paint(pixels, shape, line, shape === view.chosen);
    context.putImageData(pixels, 0, 0);
  }
  for (const shape of shapes.toReversed()) {
    if (view.boxes || !shape.region || (shape === view.chosen && !view.masks))
      outline(context, shape, scale, line);
  }
}

/** Mixes a mask's colour into the pixels, in full along its border. */
function paint(pixels: ImageData, { region, colour }: Shape, line: number, strong: boolean): void {
  if (!region) return;
  const { x, y, width, height, data } = region;
  const inside = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width && data[row * width + column] === 1;
  const border = strong ? 2 * line : line;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!inside(row, column)) continue;
      const within =
        inside(row - border, column) &&
        inside(row + border, column) &&
        inside(row, column - border) &&
        inside(row, column + border);
      const share = within ? (strong ? 2 * TINT : TINT) : 1;
      const at = 4 * ((y + row) * pixels.width + x + column);
      for (let i = 0; i < 3; i++) {
        pixels.data[at + i] = (1 - share) * pixels.data[at + i]! + share * colour[i]!;
      }
    }
  }
}

function outline(
  context: CanvasRenderingContext2D,
  { detection, colour }: Shape,
  scale: number,
  line: number,
): void {
  const [x1, y1, x2, y2] = detection.box.map((edge) => edge * scale) as Detection['box'];
  context.lineWidth = line;
  context.strokeStyle = `rgb(${colour.join(' ')})`;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
}

/** The first shape that covers a point of the canvas: by its mask, or its box where it has none. */
export function shapeAt(shapes: readonly Shape[], x: number, y: number, scale: number): Shape | undefined {
  return shapes.find(({ region, detection: { box } }) => {
    if (!region)
      return x >= box[0] * scale && x < box[2] * scale && y >= box[1] * scale && y < box[3] * scale;
    const [column, row] = [Math.floor(x) - region.x, Math.floor(y) - region.y];
    if (column < 0 || row < 0 || column >= region.width || row >= region.height) return false;
    return region.data[row * region.width + column] === 1;
  });
}
