// The little of PNG (W3C recommendation, 3rd edition) that the decoder of @napi-rs/canvas leaves undone: telling
// a damaged file, and colours under transparency, which a canvas multiplies by alpha and so loses.

import { crc32, inflateSync } from 'node:zlib';
import { ImageError } from './errors';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

interface Chunk {
  type: string;
  data: Buffer;
  /** The chunk as it stands in the file, with length and checksum. */
  whole: Buffer;
}

export function isPng(bytes: Buffer): boolean {
  return bytes.subarray(0, 8).equals(SIGNATURE);
}

/** The file's chunks. Throws ImageError where it is cut off or a checksum is wrong. */
export function pngChunks(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; chunks.at(-1)?.type !== 'IEND'; ) {
    const length = at + 12 <= bytes.length ? bytes.readUInt32BE(at) : bytes.length;
    const end = at + 12 + length;
    if (end > bytes.length) throw new ImageError(`the PNG file is cut off after ${bytes.length} bytes`);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) {
      throw new ImageError(`the PNG file is damaged: wrong checksum of ${type} at byte ${at}`);
    }
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) });
    at = end;
  }
  return chunks;
}

/** The file without its list of transparent colours; true for pictures of palette, grey or RGB. */
export function withoutTransparency(chunks: readonly Chunk[]): Buffer {
  const kept = chunks.filter(({ type }) => type !== 'tRNS').map(({ whole }) => whole);
  return Buffer.concat([SIGNATURE, ...kept]);
}

/**
 * The colours of a picture with an alpha channel, as opaque RGBA; undefined if it has none or is interlaced.
 * Of 16 bits the upper 8.
 */
export function straightColours(chunks: readonly Chunk[]): Uint8ClampedArray | undefined {
  const header = chunks[0]!.data;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, kind, interlaced] = [header[8]!, header[9], header[12]];
  if ((kind !== 4 && kind !== 6) || interlaced) return undefined;
  const samples = kind === 6 ? 4 : 2;
  const step = (samples * depth) / 8; // bytes of a pixel
  const rows = unfilter(inflate(chunks), height, width * step, step);
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const sample = kind === 6 ? channel : 0;
      rgba[4 * i + channel] = rows[i * step + (sample * depth) / 8]!;
    }
  }
  return rgba;
}

function inflate(chunks: readonly Chunk[]): Buffer {
  return inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
}

/** Undoes the filters of section 9: each row of `length` bytes follows a byte that names its filter. */
function unfilter(filtered: Buffer, height: number, length: number, step: number): Uint8Array {
  const rows = new Uint8Array(height * length);
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (length + 1)];
    for (let x = 0; x < length; x++) {
      const at = y * length + x;
      const left = x >= step ? rows[at - step]! : 0;
      const above = y > 0 ? rows[at - length]! : 0;
      const corner = y > 0 && x >= step ? rows[at - length - step]! : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = above;
      else if (filter === 3) guess = (left + above) >> 1;
      else if (filter === 4) guess = paeth(left, above, corner);
      rows[at] = filtered[y * (length + 1) + 1 + x]! + guess;
    }
  }
  return rows;
}

/** Whichever neighbour is nearest to left + above - corner. */
function paeth(left: number, above: number, corner: number): number {
  const byLeft = Math.abs(above - corner);
  const byAbove = Math.abs(left - corner);
  const byCorner = Math.abs(left + above - 2 * corner);
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}
