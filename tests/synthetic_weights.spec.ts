// The generator against what Python made of the same names: scripts/calibrate_synthetic.py stores the digests
// and the first values of some tensors in tests/golden/calibration.safetensors.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readGolden } from './golden_file';
import {
  type Architecture,
  fnv1a32,
  syntheticTensor,
  syntheticWeights,
  tensorShapes,
} from './synthetic_weights';

const calibration = readGolden('calibration');
const sha256 = () => createHash('sha256');

describe.each<[Architecture, number]>([
  ['maskrcnn', 307],
  ['fasterrcnn', 295],
])('synthetic weights of %s', (architecture, count) => {
  const shapes = tensorShapes(architecture);

  test('are listed as in torchvision', () => {
    const lines = shapes.map(({ name, shape }) => `${name} ${shape.join('x')}\n`).join('');
    expect(shapes).toHaveLength(count);
    expect(calibration.metadata[`${architecture}_tensors`]).toBe(String(count));
    expect(sha256().update(lines).digest('hex')).toBe(calibration.metadata[`${architecture}_names_sha256`]);
  });

  test('have the bytes that Python made', { timeout: 60_000 }, async () => {
    const source = syntheticWeights(architecture);
    const hash = sha256();
    let bytes = 0;
    for await (const piece of source.read()) {
      if (bytes > 0) hash.update(piece); // the first piece is the file's header
      expect(piece.length).toBeLessThanOrEqual(4 << 20);
      bytes += piece.length;
    }
    expect(bytes).toBe(source.size);
    expect(hash.digest('hex')).toBe(calibration.metadata[`${architecture}_sha256`]);
  });
});

test('single tensors begin as in Python', () => {
  const known = calibration.names.filter((name) => name.startsWith('known/'));
  const shapes = new Map(tensorShapes('maskrcnn').map(({ name, shape }) => [name, shape]));
  expect(known.length).toBeGreaterThan(0);
  for (const label of known) {
    const name = label.slice('known/'.length);
    const first = syntheticTensor(name, shapes.get(name)!, calibration).next().value!;
    expect([...first.subarray(0, 8)], name).toEqual([...calibration.floats(label).data]);
  }
});

test('every calibrated tensor is used', () => {
  const shapes = new Map(tensorShapes('maskrcnn').map(({ name, shape }) => [name, shape]));
  for (const name of calibration.names.filter((name) => !name.startsWith('known/'))) {
    const { shape } = calibration.floats(name);
    if (name.endsWith('.scale')) expect(shapes.has(name.replace(/scale$/, 'weight')), name).toBe(true);
    else expect(shape, name).toEqual(shapes.get(name));
  }
});

test('a name is hashed by FNV-1a', () => {
  expect(fnv1a32('') >>> 0).toBe(0x811c9dc5);
  expect(fnv1a32('foobar') >>> 0).toBe(0xbf9cf968); // of the algorithm's own test vectors
});
