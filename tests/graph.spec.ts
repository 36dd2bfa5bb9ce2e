// The graph, the plan of its buffers, the program that runs it, and the rule of imports. Mostly without a GPU.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeviceLostError } from '../src/errors';
import { unlessLost } from '../src/graph/checked';
import { Graph, type Tensor } from '../src/graph/graph';
import { plan } from '../src/graph/plan';
import { Program } from '../src/graph/program';
import { f32, grid, sizeOf } from '../src/kernels/kernel';
import { maxPool2d } from '../src/kernels/max_pool2d';
import { sigmoid } from '../src/kernels/sigmoid';
import { packParams, specialise } from '../src/kernels/specialise';
import { upsampleAdd } from '../src/kernels/upsample_add';
import { testDevice } from './gpu';

/** A chain of poolings with some sums of earlier maps: `joins[i]` says how far back node i looks, 0 for no sum. */
function chain(joins: readonly number[]): { graph: Graph; maps: Tensor[] } {
  const graph = new Graph();
  const maps = [graph.input('image', f32(1, 8, 8, 4))];
  joins.forEach((join, i) => {
    const input = maps.at(-1)!;
    const earlier = maps.at(-1 - join);
    maps.push(
      join > 0 && earlier
        ? graph.apply(`add ${i}`, upsampleAdd, { lateral: input, coarse: earlier }, {}, 'output').output
        : graph.apply(`pool ${i}`, maxPool2d, { input }, { window: 1, stride: 1 }, 'output').output,
    );
  });
  return { graph, maps };
}

describe('plan', () => {
  test('no two tensors that live together share a buffer', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 30 }), fc.nat(29), (joins, keep) => {
        const { graph, maps } = chain(joins);
        const kept = new Set([maps[1 + (keep % joins.length)]!]);
        const { places } = plan(graph, kept);
        const born = (tensor: Tensor) =>
          graph.nodes.findIndex((n) => Object.values(n.outputs).includes(tensor));
        const dies = (tensor: Tensor) =>
          kept.has(tensor)
            ? Number.POSITIVE_INFINITY
            : Math.max(
                born(tensor),
                graph.nodes.findLastIndex((n) => Object.values(n.inputs).includes(tensor)),
              );
        const live = maps.slice(1);
        for (const a of live)
          for (const b of live) {
            if (a === b || places.get(a)!.buffer !== places.get(b)!.buffer) continue;
            expect(dies(a) < born(b) || dies(b) < born(a), `${a.label} and ${b.label}`).toBe(true);
          }
      }),
    );
  });

  test('a chain needs two buffers, whatever its length', () => {
    const { graph, maps } = chain(Array(20).fill(0));
    const { bufferBytes, peakBytes, bytesWithoutReuse } = plan(graph, new Set([maps.at(-1)!]));
    expect(bufferBytes.length).toBe(2);
    expect(bytesWithoutReuse).toBe(10 * peakBytes);
  });

  test('parts of a concatenation lie in one buffer, at multiples of 256 bytes, and live as long as it', () => {
    const graph = new Graph();
    const image = graph.input('image', f32(1, 3, 5, 4));
    const [a, b] = ['a', 'b'].map(
      (label) => graph.apply(label, maxPool2d, { input: image }, { window: 1, stride: 1 }, 'output').output,
    ) as [Tensor, Tensor];
    const { whole, offsets } = graph.concat('both', [a, b]);
    graph.apply('sum', sigmoid, { input: whole }, {}, 'output');
    const { places } = plan(graph, new Set());
    expect(offsets).toEqual([0, 64]);
    expect(places.get(a)).toEqual({ buffer: places.get(whole)!.buffer, offset: 0 });
    expect(places.get(b)).toEqual({ buffer: places.get(whole)!.buffer, offset: 256 });
  });
});

test('a program runs a graph in one submit, and reads any node by label', async () => {
  const { graph, maps } = chain([0, 1, 0, 2]);
  const device = await testDevice();
  const [early, last] = [graph.find('pool 0'), maps.at(-1)!];
  const program = await Program.create(device, graph, new Map(), { early, last });
  const data = Float32Array.from({ length: sizeOf(maps[0]!) }, (_, i) => i);
  program.write(maps[0]!, data);
  const { outputs, profile } = await program.run();
  expect([...outputs.early!.data]).toEqual([...data]);
  expect([...outputs.last!.data]).toEqual([...data].map((x) => 3 * x));
  expect(profile).toMatchObject({ dispatches: 4, submits: 1, readbacks: 1 });
  program.destroy();
});

test('what the GPU refuses is an error, and no zeros come back', async () => {
  const { graph, maps } = chain([0]);
  const program = await Program.create(await testDevice(), graph, new Map(), { last: maps.at(-1)! });
  program.destroy();
  await expect(program.run()).rejects.toThrow(/running: the GPU refused: .*destroyed/);
});

test('a label that is not there: the error names its neighbours', () => {
  const { graph } = chain([0, 0]);
  expect(() => graph.find('backbone.pool 7')).toThrow(/no node is labelled 'backbone.pool 7'/);
});

describe('specialise', () => {
  const shader =
    'const SIZE = 4u; // lanes\nalias Elem = f32;\n#if WIDE\nwide\n#else\nnarrow\n#endif\nconst WIDE = false;\n';
  test('sets constants, keeps suffixes and comments, chooses branches', () => {
    const text = specialise(shader, { SIZE: 8, Elem: 'vec4f', WIDE: true });
    expect(text).toContain('const SIZE = 8u; // lanes');
    expect(text).toContain('alias Elem = vec4f;');
    expect(text).toContain('wide');
    expect(text).not.toContain('narrow');
  });
  test('an unknown constant, and a directive in a comment, are errors', () => {
    expect(() => specialise(shader, { TILE: 1 })).toThrow(/declares no constant TILE/);
    expect(() => specialise('// see #else below', {})).toThrow(/not alone on its line/);
  });
  test('params must match the struct, name by name', () => {
    const struct = 'struct Params {\n  rows: u32,  // how many\n  scale: f32,\n}\n';
    expect(new DataView(packParams(struct, { rows: 3, scale: 0.5 }, 'k')).getFloat32(4, true)).toBe(0.5);
    expect(() => packParams(struct, { rows: 3, size: 1 }, 'k')).toThrow(/missing \[scale\], extra \[size\]/);
  });
});

test('grid folds what passes 65,535 workgroups', () => {
  expect(grid(64, 64)).toEqual([1, 1, 1]);
  expect(grid(0, 64)).toEqual([1, 1, 1]);
  expect(grid(65_536 * 64, 64)).toEqual([65_535, 2, 1]);
});

/** Folders of src in the order in which they may import: each from those after it, and none from before. */
const LAYERS = ['cli', 'results', '.', 'model', 'weights', 'graph', 'kernels'];

test('imports go one way', () => {
  const source = new URL('../src/', import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const backward = files.flatMap((file) => {
    const folder = file.includes('/') ? file.split('/')[0]! : '.';
    const text = readFileSync(new URL(file, source), 'utf8');
    return [...text.matchAll(/from '(\.[^'?]+)'/g)]
      .map(([, path]) => new URL(path!, new URL(file, source)).pathname.slice(source.pathname.length))
      .filter((path) => path !== 'errors')
      .filter((path) => {
        const target = path.includes('/') ? path.split('/')[0]! : '.';
        return LAYERS.indexOf(target) < LAYERS.indexOf(folder);
      })
      .map((path) => `${file} imports ${path}`);
  });
  expect(backward).toEqual([]);
});

test('a device is asked once whether it is lost, however often it is waited for, and tells all who wait', async () => {
  let asked = 0;
  const told: ((info: Pick<GPUDeviceLostInfo, 'reason' | 'message'>) => void)[] = [];
  const lost = {
    // biome-ignore lint/suspicious/noThenProperty: it counts who asks
    then(tell: (typeof told)[number]) {
      asked++;
      told.push(tell);
    },
  };
  const device = { lost } as unknown as GPUDevice;
  for (let call = 0; call < 100; call++) await unlessLost(device, Promise.resolve(), '');
  expect(asked).toBe(1);
  const waiting = unlessLost(device, new Promise(() => {}), '');
  told[0]!({ reason: 'unknown', message: 'gone' });
  await expect(waiting).rejects.toThrow(DeviceLostError);
  await expect(unlessLost(device, new Promise(() => {}), '')).rejects.toThrow('gone');
});
