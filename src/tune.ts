// Finds the fastest kernels for a network on an adapter, by timing: every tile that can compute each distinct
// matrix product, and for each layer Winograd's algorithms against the definition's, all their steps together.

import { BoundGraph, type HostData } from './graph/bound_graph';
import { Graph, type Node, type Tensor } from './graph/graph';
import { Timer } from './graph/timer';
import {
  type Algorithm,
  algorithmsFor,
  type LayerShape,
  layerKey,
  type Method,
  type Methods,
  methodsFor,
  type ProductShape,
  partsFit,
  productKey,
  type Traits,
  type Tuning,
  tilesFor,
} from './kernels/methods';
import type { Computing } from './model/layers';

/** A network's graph as it would be with given methods. */
export type Build = (computing: Computing) => Graph;

export interface TuneOptions {
  traits: Traits;
  precision: 'f32' | 'f16';
  /** Of the adapter: src/tuning_store.ts `adapterKey`. */
  adapter: string;
  onProgress?: ((progress: { done: number; total: number; what: string }) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export const ALGORITHMS: readonly Algorithm[] = ['direct', 'winograd2', 'winograd4'];
/** Slices that are tried for long sums. */
const SPLITS = [1, 4, 8];
const LONG = 2048;
const SAMPLES = 3;
/** A candidate this much slower than the best is not run again. */
const HOPELESS = 2;
/** Regions for kernels that take a count: more than any capacity. */
export const ALL_REGIONS = 1 << 16;

/** A product of some layer, and its ways of being computed. */
interface Product {
  readonly shape: ProductShape;
  readonly candidates: { method: Method; nodes: Node[] }[];
}

export async function tune(device: GPUDevice, build: Build, options: TuneOptions): Promise<Tuning> {
  const { traits, precision, adapter, onProgress, signal } = options;
  const plans = ALGORITHMS.map((algorithm) => ({ algorithm, ...candidatesOf(build, algorithm, options) }));
  const products = new Map(plans.flatMap((plan) => [...plan.products]));
  const total = products.size + plans.length;
  const timer = new Timer(device);
  try {
    const times = new Map<string, number>();
    const methods: Record<string, Method> = {};
    for (const [key, { candidates }] of products) {
      onProgress?.({ done: times.size, total, what: key });
      const best = await fastest(device, timer, candidates, signal);
      times.set(key, best.ms);
      methods[key] = best.method;
    }
    const chosen = methodsFor(traits, precision === 'f16', { adapter, algorithms: {}, methods });
    const layers = new Map<string, Map<Algorithm, number>>();
    for (const [i, { algorithm }] of plans.entries()) {
      onProgress?.({ done: products.size + i, total, what: algorithm });
      const record = recorder(algorithm, chosen.method);
      const { nodes } = build({ methods: record, precision });
      for (const { layer, node, key } of stepsOf(nodes, record)) {
        const ms = key
          ? times.get(key)!
          : await cached(times, stepKey(node), () => time(device, timer, [node], signal));
        const sums = layers.get(layer) ?? new Map<Algorithm, number>();
        layers.set(layer, sums.set(algorithm, (sums.get(algorithm) ?? 0) + ms));
      }
    }
    const algorithms: Record<string, Algorithm> = {};
    for (const [layer, sums] of layers) algorithms[layer] = least([...sums]);
    return { adapter, algorithms, methods };
  } finally {
    timer.destroy();
  }
}

/** Methods that note what they are asked for. */
export interface Recorder extends Methods {
  readonly asked: ({ layer: LayerShape } | { product: ProductShape })[];
}

export function recorder(wanted: Algorithm, method: Methods['method']): Recorder {
  const asked: Recorder['asked'] = [];
  return {
    asked,
    algorithm(layer) {
      asked.push({ layer });
      return algorithmsFor(layer).includes(wanted) ? wanted : 'direct';
    },
    method(product) {
      asked.push({ product });
      return method(product);
    },
  };
}

/** Kernels of which each dispatch is one answer of `method`, in the same order. */
const PRODUCT_KERNELS = /^(conv2d|linear|conv_transpose2d)/;

/** The ways to compute every product of the network with an algorithm: one graph for each candidate. */
function candidatesOf(build: Build, algorithm: Algorithm, { traits, precision }: TuneOptions) {
  const products = new Map<string, Product>();
  const possible = (product: ProductShape): Method[] => waysOf(product, traits, precision === 'f16');
  let most = 1;
  for (let n = 0; n < most; n++) {
    const record = recorder(algorithm, (product) => {
      const all = possible(product);
      most = Math.max(most, all.length);
      return all[Math.min(n, all.length - 1)]!;
    });
    const { nodes } = build({ methods: record, precision });
    for (const { shape, key, own } of productsOf(nodes, record)) {
      const all = possible(shape);
      const product = products.get(key) ?? { shape, candidates: [] };
      if (n < all.length && product.candidates.length === n) {
        product.candidates.push({ method: all[n]!, nodes: own });
      }
      products.set(key, product);
    }
  }
  return { products };
}

/** The ways to compute a product on such an adapter, at a given precision. */
export function waysOf(product: ProductShape, traits: Traits, half: boolean): Method[] {
  const splits = SPLITS.filter((split) => split === 1 || (canSplit(product) && partsFit(product, split)));
  return tilesFor(product, traits, half).flatMap((tile) => splits.map((split) => ({ tile, split })));
}

function canSplit({ kernel, depth, batches }: ProductShape): boolean {
  return kernel === 'linear' && batches === 1 && depth >= LONG;
}

/** The nodes of each product: its dispatch, and the sum of its slices. */
export function productsOf(nodes: readonly Node[], { asked }: Recorder) {
  const dispatched = nodes.flatMap((node, i) => (PRODUCT_KERNELS.test(node.kernel.name) ? [i] : []));
  const shapes = asked.flatMap((question) => ('product' in question ? [question.product] : []));
  return shapes.map((shape, n) => {
    const at = dispatched[n]!;
    const own = nodes[at + 1]?.kernel.name === 'reduce' ? nodes.slice(at, at + 2) : [nodes[at]!];
    return { shape, key: productKey(shape), own: [...own], at };
  });
}

/** The dispatches of layers that may be computed by Winograd's algorithm; `key` where one is a product. */
function stepsOf(nodes: readonly Node[], record: Recorder): { layer: string; node: Node; key?: string }[] {
  const products = productsOf(nodes, record);
  const steps: { layer: string; node: Node; key?: string }[] = [];
  let layer: LayerShape | undefined;
  let n = 0;
  for (const question of record.asked) {
    if ('layer' in question) {
      layer = question.layer;
      continue;
    }
    const { at, key, shape } = products[n++]!;
    const transformed = shape.batches > 1 && nodes[at - 1]?.kernel.name === 'winograd_input';
    const ours = transformed || shape.kernel === 'conv2d';
    if (!layer || !ours || algorithmsFor(layer).length === 1) continue;
    const name = layerKey(layer);
    steps.push({ layer: name, node: nodes[at]!, key });
    if (transformed) steps.push(...[at - 1, at + 1].map((i) => ({ layer: name, node: nodes[i]! })));
  }
  return steps;
}

function stepKey({ kernel, dispatch: { constants, params } }: Node): string {
  return JSON.stringify([kernel.name, constants, params]);
}

async function cached(times: Map<string, number>, key: string, make: () => Promise<number>): Promise<number> {
  const known = times.get(key) ?? (await make());
  times.set(key, known);
  return known;
}

function least(entries: [Algorithm, number][]): Algorithm {
  return entries.reduce((best, entry) => (entry[1] < best[1] ? entry : best))[0];
}

async function fastest(
  device: GPUDevice,
  timer: Timer,
  candidates: Product['candidates'],
  signal?: AbortSignal,
): Promise<{ method: Method; ms: number }> {
  let best: { method: Method; ms: number } | undefined;
  for (const { method, nodes } of candidates) {
    const ms = await time(device, timer, nodes, signal, best && HOPELESS * best.ms);
    if (!best || ms < best.ms) best = { method, ms };
  }
  return best!;
}

/** ms of one run: the least of some samples; of one only where it takes longer than `limit`. */
async function time(
  device: GPUDevice,
  timer: Timer,
  nodes: readonly Node[],
  signal?: AbortSignal,
  limit = Number.POSITIVE_INFINITY,
): Promise<number> {
  signal?.throwIfAborted();
  const graph = new Graph();
  graph.nodes.push(...nodes);
  const counts = nodes.flatMap(({ inputs }) => (inputs.count ? [inputs.count] : []));
  const data = new Map<Tensor, HostData>(counts.map((count) => [count, Uint32Array.of(ALL_REGIONS)]));
  const bound = await BoundGraph.create(device, graph, data);
  const encode = (pass: GPUComputePassEncoder, repeats: number): void => bound.encode(pass, repeats);
  try {
    await timer.once(encode, 1); // the first use may finish compiling it
    const first = await timer.once(encode, 1);
    if (first > limit) return first;
    const repeats = await timer.repeatsFor(encode);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < SAMPLES; i++) least = Math.min(least, (await timer.once(encode, repeats)) / repeats);
    return least;
  } finally {
    bound.destroy();
  }
}
