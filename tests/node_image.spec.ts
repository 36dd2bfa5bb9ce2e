// Picture files in Node: the pixels are those of PIL's convert('RGB'), alpha or not; damaged files are refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { ImageError } from '../src/errors';
import { readImage } from '../src/node_image';
import { straightColours } from '../src/png';

const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

// Files written by PIL of 5x6 pixels, red 50 x + 3 y, green 40 y + x, blue (9 x y + 7) mod 256, alpha 63 x.
const RGBA =
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAGCAYAAAAL+1RLAAAALUlEQVR4nGNkYGBnMGJksEfGLMwaDAzMjJwoGElQCI7RBKUZmBmlsQmqYBcEAE/LBHTZznYwAAAAAElFTkSuQmCC';
const GREY_ALPHA =
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAGCAQAAACh8pzAAAAAFUlEQVR4nGNkYDCyh0AmZgYYJIUJAHL2AhuqrP0tAAAAAElFTkSuQmCC';
const GREY_16_BITS =
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAGEAAAAAB+ANfUAAAAE0lEQVR4nGNkYDCCAiZmOCCFCQBu4wIyxsHPEwAAAABJRU5ErkJggg==';
const PALETTE_WITH_TRANSPARENCY =
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAGBAMAAAD51Ul4AAAAElBMVEXIWgBkWgDIAABkAAAAWgAAAACDXZo1AAAAA3RSTlMAgP/s97MYAAAAGklEQVR4nGMMvfeWiYGBgYmBgYHl/b33MDYASkAE6nXKEWMAAAAASUVORK5CYII=';
const TURNED_BY_EXIF =
  'UklGRmwAAABXRUJQVlA4WAoAAAAIAAAABAAABQAAVlA4TCsAAAAvBEABALkyRPQ/dhHR/zAQCFDwxv+VJhRBtm1o240uJk3xPjEi1FM3YeADAEVYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA=';

type Colour = (x: number, y: number) => [number, number, number];
const ramps: Colour = (x, y) => [50 * x + 3 * y, 40 * y + x, (9 * x * y + 7) % 256];
const grey: Colour = (x, y) => [50 * x + 3 * y, 50 * x + 3 * y, 50 * x + 3 * y];
const blocks: Colour = (x, y) => [100 * Math.floor(x / 2), 90 * Math.floor(y / 3), 0];

test.each<[string, string, number, number, Colour]>([
  ['RGBA, straight colours', RGBA, 5, 6, ramps],
  ['grey with alpha', GREY_ALPHA, 5, 6, grey],
  ['16 bits', GREY_16_BITS, 5, 6, grey],
  ['palette with transparent colours', PALETTE_WITH_TRANSPARENCY, 5, 6, blocks],
  ['turned by EXIF', TURNED_BY_EXIF, 6, 5, (x, y) => ramps(y, 5 - x)],
])('%s', async (name, base64, width, height, colour) => {
  const image = await readImage(file(name, Buffer.from(base64, 'base64')));
  expect([image.width, image.height]).toEqual([width, height]);
  const wanted = Array.from({ length: width * height }, (_, i) => [
    ...colour(i % width, Math.floor(i / width)),
    255,
  ]);
  expect([...image.data]).toEqual(wanted.flat());
});

test('the five filters of PNG are undone', () => {
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 5, 8, 6, 0, 0, 0]); // 2x5, RGBA of 8 bits
  const rows = [
    [0, 10, 20, 30, 0, 40, 50, 60, 0], // as it is
    [1, 1, 2, 3, 0, 4, 5, 6, 0], // + left
    [2, 1, 1, 1, 0, 250, 1, 1, 0], // + above, modulo 256
    [3, 5, 5, 5, 0, 5, 5, 5, 0], // + half of left and above
    [4, 2, 2, 2, 0, 2, 2, 2, 0], // + whichever of left, above, corner is nearest
  ];
  const chunk = (type: string, data: Buffer) => ({ type, data, whole: data });
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(Uint8Array.from(rows.flat())))];
  // by hand, section 9.2: e.g. row 3, red: 5 + (0 + 2 >> 1) = 6, then 5 + (6 + 255 >> 1) = 135
  const reds = [10, 40, 1, 5, 2, 255, 6, 135, 8, 137];
  expect([...straightColours(chunks)!].filter((_, i) => i % 4 === 0)).toEqual(reds);
});

test.each([
  ['an empty file', '', /the file is empty/],
  ['text', 'no picture', /not a picture that can be decoded; wanted PNG, JPEG/],
  ['a PNG cut off', Buffer.from(RGBA, 'base64').subarray(0, 60), /the PNG file is cut off after 60 bytes/],
  [
    'a PNG with a wrong byte',
    damaged(RGBA, 50),
    /the PNG file is damaged: wrong checksum of IDAT at byte 33/,
  ],
  [
    'a WebP cut off',
    Buffer.from(TURNED_BY_EXIF, 'base64').subarray(0, 90),
    /the WebP file is cut off after 90/,
  ],
  ['a JPEG cut off', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), /the JPEG file is cut off after 6 bytes/],
])('%s is refused, and named', async (name, bytes, message) => {
  const error = await readImage(file(name, bytes)).catch((fault) => fault);
  expect(error).toBeInstanceOf(ImageError);
  expect(error.message).toMatch(message);
  expect(error.message).toContain(join(folder, name));
});

test('a folder, or nothing, is refused', async () => {
  await expect(readImage(folder)).rejects.toThrow('cannot be read: it is a folder');
  await expect(readImage(join(folder, 'none.png'))).rejects.toThrow('cannot be read: no such file');
});

test('a photograph is read whole', async () => {
  const path = 'tests/images/coffee_427x640.png';
  const { data, width, height } = await readImage(path);
  expect([width, height, data.length]).toEqual([640, 427, 4 * 640 * 427]);
});

function damaged(base64: string, at: number): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  bytes[at] = bytes[at]! ^ 1;
  return bytes;
}
