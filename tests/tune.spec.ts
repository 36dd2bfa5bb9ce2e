// Tuning: what it finds can be used, is used, is kept, and changes no result.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Graph, type Tensor } from '../src/graph/graph';
import { Program } from '../src/graph/program';
import { f32 } from '../src/kernels/kernel';
import {
  algorithmsFor,
  layerKey,
  type Methods,
  methodsFor,
  type ProductShape,
  productKey,
  type Tuning,
  tilesFor,
  traitsOf,
  UNKNOWN_GPU,
} from '../src/kernels/methods';
import { TILES, type TileName } from '../src/kernels/tile';
import { type Checkpoint, type Computing, Layers, PLAIN } from '../src/model/layers';
import { fileTunings } from '../src/node_tuning';
import { tune } from '../src/tune';
import { adapterKey, mergeTunings, readTuning } from '../src/tuning_store';
import { LayerLoader } from '../src/weights/layer_loader';
import { readSafetensors } from '../src/weights/safetensors';
import { writeSafetensors } from '../src/weights/write_safetensors';
import { testDevice } from './gpu';
import { random } from './kernel_case';

const IMAGE = f32(1, 13, 11, 16);
const file = writeSafetensors(
  [
    { name: 'a.weight', shape: [24, 16, 3, 3] },
    { name: 'a.bias', shape: [24] },
    { name: 'b.weight', shape: [8, 24, 1, 1] },
    { name: 'fc.weight', shape: [20, 8 * 13 * 11] },
    { name: 'fc.bias', shape: [20] },
  ].map((tensor, i) => ({ ...tensor, dtype: 'F32', data: random(tensor.shape, i).data as Float32Array })),
);

/** 3x3, 1x1, and a fully connected layer. */
function network(checkpoint: Checkpoint, computing: Computing) {
  const graph = new Graph();
  const layers = new Layers(graph, checkpoint, computing);
  const input = graph.input('input', IMAGE);
  const a = layers.conv2d('a', input, { padding: 1, activation: 'relu' });
  const output = layers.linear('fc', layers.conv2d('b', a));
  return { graph, input, output };
}

async function checkpointOf(): Promise<Checkpoint> {
  const { tensors } = await readSafetensors(file, { header() {}, data() {} });
  return new Map(tensors.map(({ name, dtype, shape }) => [name, { name, dtype, shape } as never]));
}

async function run(computing: Computing): Promise<Float32Array> {
  const device = await testDevice();
  let made: ReturnType<typeof network> | undefined;
  let loader: LayerLoader | undefined;
  await readSafetensors(file, {
    header({ tensors }) {
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      made = network(byName as Checkpoint, computing);
      loader = new LayerLoader(device, made.graph.layers.values(), byName, { bnEps: 0 });
    },
    data: (tensor, offset, bytes) => loader!.data(tensor.name, offset, bytes),
  });
  const { graph, input, output } = made!;
  const weights = await loader!.finish();
  const program = await Program.create(device, graph, weights, { output: output as Tensor });
  program.write(input, random([...IMAGE.shape], 9).data as Float32Array);
  const { outputs } = await program.run();
  program.destroy();
  for (const buffer of weights.values()) buffer.destroy();
  return outputs.output!.data as Float32Array;
}

test('every product and layer gets a choice that the adapter can run, and results stay', async () => {
  const device = await testDevice();
  const traits = traitsOf(device);
  const checkpoint = await checkpointOf();
  const seen: string[] = [];
  const found = await tune(device, (computing) => network(checkpoint, computing).graph, {
    traits,
    precision: 'f32',
    adapter: 'here',
    onProgress: ({ what }) => seen.push(what),
  });
  expect(found.adapter).toBe('here');
  expect(Object.keys(found.algorithms)).toEqual(['3x3 /1 16>24']);
  const products = Object.entries(found.methods);
  // the 3x3 by definition and by both of Winograd's, the 1x1, the fully connected layer
  expect(products).toHaveLength(5);
  expect(seen.length).toBeGreaterThanOrEqual(products.length);
  for (const [key, { tile }] of products) {
    const kernel = key.split(' ')[0] as ProductShape['kernel'];
    const product = { kernel, rows: 1, depth: 1, outputs: 1, batches: 1 };
    expect(tilesFor(product, traits, false)).toContain(tile);
  }

  const plain = await run(PLAIN);
  const tuned = await run({ methods: methodsFor(traits, false, found), precision: 'f32' });
  const largest = Math.max(...plain.map(Math.abs));
  plain.forEach((value, i) => {
    expect(Math.abs(value - tuned[i]!)).toBeLessThan(1e-5 * largest);
  });
});

test('each algorithm, precision and tile of a small network gives the same numbers', async () => {
  const traits = traitsOf(await testDevice());
  const plain = await run(PLAIN);
  const largest = Math.max(...plain.map(Math.abs));
  for (const algorithm of ['direct', 'winograd2', 'winograd4'] as const) {
    for (const precision of ['f32', 'f16'] as const) {
      const methods: Methods = {
        ...methodsFor(traits, precision === 'f16'),
        algorithm: (layer) => (algorithmsFor(layer).includes(algorithm) ? algorithm : 'direct'),
      };
      const got = await run({ methods, precision });
      // halves: three layers that round to 11 bits, and Winograd's transforms between
      const allowed = (precision === 'f16' ? 2 ** -7 : 1e-5) * largest;
      const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - plain[i]!)), 0);
      expect(worst, `${algorithm} ${precision}`).toBeLessThan(allowed);
      expect(worst).toBeGreaterThan(precision === 'f16' ? 1e-7 * largest : -1);
    }
  }
});

test('what was measured is used; what cannot run here, or was not measured, is not', () => {
  const product: ProductShape = { kernel: 'linear', rows: 100, depth: 64, outputs: 64, batches: 36 };
  const layer = { inputs: 64, outputs: 64, window: [3, 3] as const, stride: 1 };
  const tuning = (tile: TileName, rows: number): Tuning => ({
    adapter: '',
    algorithms: { [layerKey(layer)]: 'winograd2' },
    methods: { [productKey({ ...product, rows })]: { tile, split: 1 } },
  });
  const rule = methodsFor(UNKNOWN_GPU).method(product).tile;
  expect(methodsFor(UNKNOWN_GPU, false, tuning('workgroup 128x128', 100)).method(product).tile).toBe(
    'workgroup 128x128',
  );
  // another picture's size: the nearest
  expect(methodsFor(UNKNOWN_GPU, false, tuning('workgroup 128x128', 900)).method(product).tile).toBe(
    'workgroup 128x128',
  );
  expect(methodsFor(UNKNOWN_GPU, false, tuning('subgroups 32x8', 100)).method(product).tile).toBe(rule);
  expect(methodsFor(UNKNOWN_GPU, false, tuning('workgroup 32x32', 100)).algorithm(layer)).toBe('winograd2');
  const strided = { ...layer, stride: 2 };
  expect(methodsFor(UNKNOWN_GPU).algorithm(layer)).toBe('winograd4');
  expect(methodsFor(UNKNOWN_GPU).algorithm(strided)).toBe('direct');
});

test('the shipped rules: a GPU gets workgroup memory, a CPU registers, few outputs a long sum in slices', () => {
  const large: ProductShape = { kernel: 'linear', rows: 4096, depth: 4096, outputs: 4096, batches: 1 };
  const fc6: ProductShape = { kernel: 'linear', rows: 100, depth: 12544, outputs: 1024, batches: 1 };
  const gpu = methodsFor(UNKNOWN_GPU);
  const cpu = methodsFor({ software: true, subgroup: 8, half: true });
  expect(TILES[gpu.method(large).tile].memory).toBe('workgroup');
  expect(TILES[cpu.method(large).tile].memory).toBe('registers');
  expect(gpu.method(fc6).split).toBeGreaterThan(1);
});

test('tunings are kept in a file, merged, and damaged ones ignored', async () => {
  process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), 'tunings-'));
  const one: Tuning = { adapter: 'x', algorithms: { a: 'direct' }, methods: {} };
  expect(await fileTunings.get('x')).toBeUndefined();
  await fileTunings.set(one);
  expect(await fileTunings.get('x')).toEqual(one);
  expect(await fileTunings.get('y')).toBeUndefined();
  const later: Tuning = { adapter: 'x', algorithms: { a: 'winograd4', b: 'direct' }, methods: {} };
  expect(mergeTunings(one, later).algorithms).toEqual({ a: 'winograd4', b: 'direct' });
  for (const damaged of ['', '{', 'null', '{"adapter":"x"}', JSON.stringify({ ...one, adapter: 'y' })]) {
    expect(readTuning(damaged, 'x')).toBeUndefined();
  }
  const device = await testDevice();
  expect(adapterKey(device, 'f32')).not.toBe(adapterKey(device, 'f16'));
});

test('a long sum is cut into slices only where they fit a binding', () => {
  const llvmpipe = methodsFor({ software: true, subgroup: 8, half: false });
  const fc6 = (rows: number) =>
    llvmpipe.method({ kernel: 'linear', rows, depth: 12544, outputs: 1024, batches: 1 }).split;
  expect([fc6(1000), fc6(4096), fc6(4097), fc6(8192)]).toEqual([8, 8, 1, 1]);
});
