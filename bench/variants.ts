// Every way to compute each distinct layer of a model, as subjects: the definition's convolution and Winograd's two,
// each in every tile that the adapter can run, long sums also in slices. A layer's ways get the same numbers, and each is
// compared with the definition in float64 before it is timed. They share a problem, so `% best` ranks them.

import { BoundGraph, type HostData } from '../src/graph/bound_graph';
import { Graph, type LayerWeights, type Node, type Tensor } from '../src/graph/graph';
import { sizeOf } from '../src/kernels/kernel';
import type { Algorithm, Method, Traits } from '../src/kernels/methods';
import { packingKernel } from '../src/kernels/pack_weight';
import { ALGORITHMS, ALL_REGIONS, type Build, productsOf, recorder, waysOf } from '../src/tune';
import { uniform } from '../tests/kernel_case';
import { sampledReference } from './sampled_reference';
import { type Expected, type Subject, workOf } from './subject';

/** What `build` calls a layer's dispatches: bands of a large map, Winograd's steps, slices of a long sum. */
const STEPS = /(\.band\d+)?(\.winograd_input|\.winograd_products|\.parts)?$/;

interface Way {
  readonly name: string;
  readonly nodes: Node[];
  readonly weights: LayerWeights;
}

interface Layer {
  readonly label: string;
  /** By the definition, in one dispatch. */
  readonly plain: Node;
  times: number;
  readonly ways: Map<string, Way>;
}

/** In float32, the most exact that there is to compare. */
export function variantSubjects(build: Build, traits: Traits): Subject[] {
  const layers = new Map<string, Layer>();
  for (const algorithm of ALGORITHMS) {
    for (let n = 0, most = 1; n < most; n++)
      most = Math.max(most, addWays(layers, build, traits, algorithm, n));
  }
  return distinct(layers).flatMap((layer) => [...layer.ways.values()].map((way) => subjectOf(layer, way)));
}

/** Adds every layer's `n`th way by an algorithm. Returns how many ways there are. */
function addWays(
  layers: Map<string, Layer>,
  build: Build,
  traits: Traits,
  algorithm: Algorithm,
  n: number,
): number {
  const choices: { method: Method; known: number }[] = [];
  const record = recorder(algorithm, (product) => {
    const all = waysOf(product, traits, false);
    choices.push({ method: all[Math.min(n, all.length - 1)]!, known: all.length });
    return choices.at(-1)!.method;
  });
  const graph = build({ methods: record, precision: 'f32' });
  for (const [i, { at }] of productsOf(graph.nodes, record).entries()) {
    const { method, known } = choices[i]!;
    const label = graph.nodes[at]!.label.replace(STEPS, '');
    const nodes = graph.nodes.filter((node) => node.label.replace(STEPS, '') === label);
    const winograd = nodes.some(({ kernel }) => kernel.name === 'winograd_input');
    if (n >= known || (algorithm !== 'direct' && !winograd)) continue;
    const weight = nodes.find(({ inputs }) => inputs.weight)!.inputs.weight;
    const weights = [...graph.layers.values()].find(({ packedWeight }) => packedWeight === weight)!;
    const name = [algorithm, method.tile, ...(method.split > 1 ? [`${method.split} slices`] : [])].join(', ');
    const layer = layers.get(label) ?? { label, plain: nodes[0]!, times: 1, ways: new Map() };
    layer.ways.set(name, { name, nodes, weights });
    layers.set(label, layer);
  }
  return Math.max(0, ...choices.map(({ known }) => known));
}

/** Layers that differ in nothing but their label are one, under the first's. */
function distinct(layers: ReadonlyMap<string, Layer>): Layer[] {
  const found = new Map<string, Layer>();
  for (const layer of layers.values()) {
    const { constants, params } = layer.plain.dispatch;
    const key = JSON.stringify([layer.plain.kernel.name, constants, params]);
    const known = found.get(key);
    if (known) known.times++;
    else found.set(key, layer);
  }
  return [...found.values()];
}

function subjectOf({ label, plain, times }: Layer, { name, nodes, weights }: Way): Subject {
  const graph = new Graph();
  graph.nodes.push(...nodes);
  const problem = `${label} [${plain.outputs.output!.shape}]`;
  const truth = definition(plain);
  const bands = bandsOf(nodes);
  const written = new Set(nodes.flatMap(({ outputs }) => Object.values(outputs)));
  return {
    work: workOf(graph, {
      id: `variant ${problem} ${name}`,
      part: 'variant',
      label: `${problem} ${name}`,
      times,
      problem,
    }),
    graph,
    async data(device) {
      const given = new Map<Tensor, HostData>();
      for (const { inputs, outputs } of nodes) {
        for (const [binding, tensor] of Object.entries(inputs)) {
          if (written.has(tensor)) continue;
          const whole = truth().get(plain.inputs[binding]!)!;
          if (weights.pack.winograd && binding === 'weight')
            given.set(tensor, await transformed(device, weights, whole));
          else if (sizeOf(tensor) === whole.length) given.set(tensor, whole);
          else {
            const begin = beginOf(outputs.output!, bands); // a band of the residual
            given.set(tensor, whole.subarray(begin, begin + sizeOf(tensor)));
          }
        }
      }
      return given;
    },
    expected: () => sampledReference(plain, truth()).flatMap((whole) => inBands(whole, bands)),
  };
}

/** The definition's inputs, made when they are asked for. */
function definition({ inputs }: Node): () => Map<Tensor, HostData> {
  const numbers = (tensor: Tensor): HostData => {
    const length = sizeOf(tensor);
    const next = uniform(length);
    if (tensor.dtype === 'u32') return new Uint32Array(length).fill(ALL_REGIONS);
    return Float32Array.from({ length }, () => 2 * next() - 1);
  };
  let made: Map<Tensor, HostData> | undefined;
  return () => {
    made ??= new Map(Object.values(inputs).map((tensor) => [tensor, numbers(tensor)]));
    return made;
  };
}

/** The definition's weight [1, 3, 3, I, O] as Winograd's kernels read it: as the file has it, then packed by the GPU. */
async function transformed(device: GPUDevice, { pack }: LayerWeights, weight: HostData): Promise<HostData> {
  const [O, I] = pack.shape;
  const raw = new Float32Array(O * I * 9); // [O, I, 3, 3]
  for (let at = 0; at < raw.length; at++) {
    const [tap, i, o] = [Math.floor(at / (I * O)), Math.floor(at / O) % I, at % O];
    raw[(o * I + i) * 9 + tap] = weight[at]!;
  }
  const graph = new Graph();
  const input = graph.input('raw', { shape: [raw.length], dtype: 'u32' });
  const { packed } = graph.apply(
    'packed',
    packingKernel(pack),
    { raw: input, scale: undefined },
    pack,
    'packed',
  );
  const bound = await BoundGraph.create(device, graph, new Map([[input, raw]]));
  try {
    return (await bound.runOnce([packed])).get(packed)!;
  } finally {
    bound.destroy();
  }
}

/** The tensors that together are the layer's output: bands of rows, or all of it. */
function bandsOf(nodes: readonly Node[]): Tensor[] {
  const read = new Set(nodes.flatMap(({ inputs }) => Object.values(inputs)));
  return nodes.flatMap(({ outputs }) => Object.values(outputs).filter((tensor) => !read.has(tensor)));
}

/** Where a band begins in the layer's output. */
function beginOf(band: Tensor, bands: readonly Tensor[]): number {
  return bands.slice(0, bands.indexOf(band)).reduce((sum, before) => sum + sizeOf(before), 0);
}

/** What each band must hold, of what the whole output must. */
function inBands(whole: Expected, bands: readonly Tensor[]): Expected[] {
  const places = whole.indices as number[];
  return bands.map((tensor) => {
    const begin = beginOf(tensor, bands);
    const own = places.flatMap((at, i) => (at >= begin && at < begin + sizeOf(tensor) ? [i] : []));
    return {
      ...whole,
      tensor,
      indices: own.map((i) => places[i]! - begin),
      values: own.map((i) => whole.values[i]!),
    };
  });
}
