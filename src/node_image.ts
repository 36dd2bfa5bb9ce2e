// A picture file's pixels in Node, decoded by @napi-rs/canvas (Skia): PNG, JPEG, WebP, AVIF, GIF (first frame) and
// BMP. As a browser shows it, turned as EXIF says; but opaque: alpha is dropped, as PIL's convert('RGB') does
// for torchvision, and the colours beneath it are kept (those of a transparent WebP are Skia's, rounded).

import { readFile } from 'node:fs/promises';
import { ImageError, MaskRcnnError, UnsupportedError } from './errors';
import { isPng, pngChunks, straightColours, withoutTransparency } from './png';

/** Opaque RGBA, row by row. */
export interface DecodedImage {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

type Canvas = typeof import('@napi-rs/canvas');

/** Decodes a file. Throws ImageError that names it, or UnsupportedError if the decoder is not installed. */
export async function readImage(path: string): Promise<DecodedImage> {
  const canvas = await importCanvas();
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ImageError(`${path}: cannot be read: ${reason(cause)}`, { cause });
  }
  try {
    return await decode(canvas, bytes);
  } catch (cause) {
    throw new ImageError(`${path}: ${reason(cause)}`, { cause });
  }
}

async function importCanvas(): Promise<Canvas> {
  try {
    return await import('@napi-rs/canvas');
  } catch (cause) {
    const message =
      "decoding pictures in Node needs the package '@napi-rs/canvas': npm install @napi-rs/canvas";
    throw new UnsupportedError(message, { cause });
  }
}

async function decode(canvas: Canvas, bytes: Buffer): Promise<DecodedImage> {
  const chunks = isPng(bytes) ? pngChunks(bytes) : undefined;
  if (!chunks) checkWhole(bytes);
  const image = await draw(canvas, bytes);
  if (opaque(image.data)) return image;
  if (chunks?.some(({ type }) => type === 'tRNS')) return draw(canvas, withoutTransparency(chunks));
  const data = chunks && straightColours(chunks);
  if (data) return { ...image, data };
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  return image;
}

async function draw({ loadImage, createCanvas }: Canvas, bytes: Buffer): Promise<DecodedImage> {
  if (bytes.length === 0) throw new ImageError('the file is empty');
  const image = await loadImage(bytes).catch((cause: unknown) => {
    const message = 'not a picture that can be decoded; wanted PNG, JPEG, WebP, AVIF, GIF or BMP';
    throw new ImageError(message, { cause });
  });
  const { width, height } = image;
  if (!(width > 0 && height > 0)) throw new ImageError(`has a size of ${width} x ${height}`);
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}

function opaque(data: Uint8ClampedArray): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** Skia shows what is there of a file that was cut off; throws ImageError instead. */
function checkWhole(bytes: Buffer): void {
  const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (jpeg && bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) < 0) {
    throw new ImageError(`the JPEG file is cut off after ${bytes.length} bytes`);
  }
  const webp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP';
  if (webp && bytes.readUInt32LE(4) + 8 > bytes.length) {
    throw new ImageError(`the WebP file is cut off after ${bytes.length} bytes`);
  }
}

function reason(error: unknown): string {
  if (error instanceof MaskRcnnError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}
