// A file's format is known by its first bytes, also where the length of a safetensors header looks like another one's.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { readWeights } from '../src/weights/read_weights';
import { toFloat32 } from '../src/weights/safetensors';

const HEADER = '{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';

/** A safetensors file whose header is padded to `length` bytes. */
function padded(length: number): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([head, Buffer.from(HEADER.padEnd(length)), Buffer.from(Float32Array.of(1, 2).buffer)]);
}

async function numbers(file: Uint8Array): Promise<number[]> {
  const found: number[] = [];
  await readWeights(file, {
    header() {},
    data({ dtype }, _, bytes) {
      found.push(...toFloat32(dtype, bytes));
    },
  });
  return found;
}

test.each([
  ['a brace, as JSON does', 0x7b],
  ['white space and a brace', 0x7b20],
  ['a newline and a brace', 0x7b0a],
  ['a pickle of protocol 2', 0x0280],
  ['a pickle of protocol 3', 0x0380],
  ['a pickle of protocol 4', 0x0480],
  ['a pickle of protocol 5', 0x0580],
  ['the beginning of a zip', 0x4b50],
  ['a tag', 0x213c],
])('a length that begins like %s', async (_, length) => {
  expect(await numbers(padded(length))).toEqual([1, 2]);
});

test('any length', async () => {
  const lengths = fc.integer({ min: HEADER.length, max: 70_000 });
  await fc.assert(
    fc.asyncProperty(lengths, async (length) => {
      expect(await numbers(padded(length))).toEqual([1, 2]);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['{"weight_map":1}', /wanted an index with a weight_map/],
  [' \n{"weight_map":1}', /wanted an index with a weight_map/],
  ['{', /wanted an index in JSON/],
  ['\x80\x02}q\x00.', /wanted a dict of tensors by name/],
  ['PK\x03\x04', /wanted a zip file/],
  ['{\0\0\0\0\0\0\0', /by its header/],
])('%j is what it looks like', async (text, message) => {
  const reading = numbers(Buffer.from(text, 'latin1'));
  await expect(reading).rejects.toThrow(message);
  await expect(reading).rejects.toThrow(WeightError);
});
