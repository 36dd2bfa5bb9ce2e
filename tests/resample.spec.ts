// The bytes of resized pictures against Pillow and OpenCV themselves (scripts/golden_resizes.py): all the same.

import { describe, expect, test } from 'vitest';
import { Graph } from '../src/graph/graph';
import { Program } from '../src/graph/program';
import { BYTE_RESIZES } from '../src/model/byte_resize';
import type { Config } from '../src/model/config';
import { transform } from '../src/model/image_input';
import { DEFAULTS } from '../src/model/profiles';
import { opencvPairs, pillowTaps } from '../src/model/resample';
import { readGolden } from './golden_file';
import { testDevice } from './gpu';

const golden = readGolden('resizes');
const BYTES = { colourRange: 255, imageMean: [0, 0, 0], imageStd: [1, 1, 1] } as const;

describe.each(['pillow', 'opencv'] as const)('%s', (resize) => {
  test.each(Array.from({ length: Number(golden.metadata.count) }, (_, i) => i))('picture %i', async (i) => {
    const { shape, data } = golden.tensor(`${i}/pixels`);
    const want = golden.tensor(`${i}/${resize}`);
    const [height, width] = shape as [number, number];
    const [outHeight, outWidth] = want.shape as [number, number];
    const graph = new Graph();
    const resized = { height: outHeight, width: outWidth };
    const config = { ...DEFAULTS, ...BYTES, resize, architecture: '' } as unknown as Config;
    const size = { height, width };
    const { pixels, image } = transform(graph, size, resized, resized, config, BYTE_RESIZES[resize]);
    const program = await Program.create(await testDevice(), graph, new Map(), { image });
    const words = Uint32Array.from({ length: height * width }, (_, at) => {
      const [r, g, b] = data.slice(3 * at, 3 * at + 3) as unknown as [number, number, number];
      return r | (g << 8) | (b << 16);
    });
    program.write(pixels, words);
    const { outputs } = await program.run();
    program.destroy();
    const colours = [...outputs.image!.data].filter((_, at) => at % 4 < 3);
    expect(colours).toEqual([...want.data]);
  });
});

test('weights add up to one, but for their last bit', () => {
  for (const [before, after] of [
    [640, 427],
    [97, 800],
    [1, 3],
  ] as const) {
    const { weights, most } = pillowTaps(before, after);
    for (let i = 0; i < after; i++) {
      const sum = weights.subarray(i * most, (i + 1) * most).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - 2 ** 22)).toBeLessThanOrEqual(most);
    }
    for (const axis of ['rows', 'columns'] as const) {
      const pairs = opencvPairs(before, after, axis).weights;
      for (let i = 0; i < after; i++) expect(pairs[2 * i]! + pairs[2 * i + 1]!).toBe(2048);
    }
  }
});
