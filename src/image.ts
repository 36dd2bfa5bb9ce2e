// Pictures as the engine takes them in: RGBA bytes. Decoding is the platform's; a picture is drawn once, at its
// own size, and its bytes are read from there.

import { ImageError } from './errors';

/** Raw pixels: rows from the top, RGBA or RGB bytes. */
export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Whatever holds a picture: in a browser also elements, bitmaps, canvases and frames. */
export type ImageSource = RawImage | ImageData | CanvasImageSource;

/** A picture's pixels, one u32 each: R in the lowest byte. Alpha is ignored by all that follows. */
export interface Pixels {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Throws ImageError where there is no picture: no such kind, a side of zero, or not enough bytes. */
export function pixelsOf(image: ImageSource): Pixels {
  if (typeof image !== 'object' || image === null) throw unusable(`got ${String(image)}`);
  if ('data' in image) return fromBytes(image);
  return fromBytes(draw(image));
}

function fromBytes({ data, width, height }: RawImage): Pixels {
  const sides = [width, height];
  if (!sides.every((side) => Number.isInteger(side) && side > 0))
    throw unusable(`got a size of ${width} x ${height}`);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw unusable(`got data of ${Object.prototype.toString.call(data)}`);
  }
  const pixels = width * height;
  if (data.length === 4 * pixels) {
    const bytes = data.slice();
    return { words: new Uint32Array(bytes.buffer, 0, pixels), width, height };
  }
  if (data.length !== 3 * pixels) {
    throw unusable(
      `got ${data.length} bytes for ${width} x ${height}, neither ${4 * pixels} nor ${3 * pixels}`,
    );
  }
  const words = new Uint32Array(pixels);
  for (let i = 0; i < pixels; i++) {
    words[i] = data[3 * i]! | (data[3 * i + 1]! << 8) | (data[3 * i + 2]! << 16) | 0xff000000;
  }
  return { words, width, height };
}

/** The bytes of a drawable thing, at its own size. */
function draw(image: CanvasImageSource): RawImage {
  const { width, height } = sizeOf(image);
  if (typeof OffscreenCanvas === 'undefined')
    throw unusable('got a thing to draw, and there is no canvas here');
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw unusable('the canvas gave no 2d context');
  try {
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** The size that a drawable thing is shown at. Throws ImageError where it has none, or nothing to show yet. */
export function sizeOf(image: CanvasImageSource): { width: number; height: number } {
  const [width, height] = naturalSize(image);
  if (!(width > 0 && height > 0)) {
    throw unusable(`got a size of ${width} x ${height}; is it loaded, or closed already?`);
  }
  if ('readyState' in image && image.readyState < HAVE_CURRENT_DATA) {
    throw unusable("got a video without a frame yet; wait for its 'loadeddata' event");
  }
  return { width, height };
}

const HAVE_CURRENT_DATA = 2; // of HTMLMediaElement.readyState

/** Why the browser does not give a picture's pixels, and what to do about it. */
export function unreadable(cause: unknown): ImageError {
  const name = (cause as Partial<Error> | null)?.name;
  const advice =
    name === 'SecurityError'
      ? '. It came from another origin: ask for it with crossOrigin="anonymous", and let its server allow that'
      : name === 'InvalidStateError'
        ? '. Close a frame or bitmap only after the call has settled, and give a video time to load'
        : '';
  return new ImageError(`the picture cannot be drawn or read: ${String(cause)}${advice}`, { cause });
}

function naturalSize(image: CanvasImageSource): [number, number] {
  if ('naturalWidth' in image) return [image.naturalWidth, image.naturalHeight];
  if ('videoWidth' in image) return [image.videoWidth, image.videoHeight];
  if ('displayWidth' in image) return [image.displayWidth, image.displayHeight];
  if (typeof image.width === 'number') return [image.width, (image as ImageBitmap).height];
  throw unusable('got an element without a size in pixels');
}

function unusable(got: string): ImageError {
  return new ImageError(
    `detect, draw: wanted an image: ImageBitmap, canvas, <img>, <video>, VideoFrame, ImageData, or { data: RGBA or RGB bytes, width, height }; ${got}`,
  );
}
