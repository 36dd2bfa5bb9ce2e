// The two ceilings of the roofline (Williams, Waterman, Patterson 2009, doi:10.1145/1498765.1498785), measured on
// the adapter at hand: multiply-adds in registers, and copies of several sizes.

import grid_lib from '../shaders/lib/grid.wgsl?raw';
import { Graph, type Tensor } from '../src/graph/graph';
import { type Dispatch, f32, grid, type Kernel, sizeOf, type TensorSpec } from '../src/kernels/kernel';
import type { Constants } from '../src/kernels/specialise';
import { BoundGraph, type HostData } from './bound_graph';
import type { Ceilings, Peak } from './report';
import copySource from './shaders/copy.wgsl?raw';
import fmaSource from './shaders/fma_chains.wgsl?raw';
import type { Timer } from './timing';

export interface CeilingOptions {
  /** At least this long for each form and size. */
  seconds?: number;
  /** Bytes read and written by the largest copy; more than the caches hold. */
  largestCopy?: number;
  signal?: AbortSignal;
}

const INVOCATIONS = 64 * 4096; // some for every lane of the largest GPUs
const SMALLEST_COPY = 1 << 18;
/** Two bindings as large as default limits have them. */
const LARGEST_COPY = 1 << 28;
const COPY_STEP = 4;

export async function measureCeilings(
  device: GPUDevice,
  timer: Timer,
  options: CeilingOptions = {},
): Promise<Ceilings> {
  const { seconds = 0.2, largestCopy = LARGEST_COPY, signal } = options;
  const peak: Ceilings['peak'] = { f32: await peakOf('f32', device, timer, seconds, signal) };
  if (device.features.has('shader-f16')) peak.f16 = await peakOf('f16', device, timer, seconds, signal);
  const copy: Ceilings['copy'] = [];
  const largest = Math.min(largestCopy, 2 * device.limits.maxStorageBufferBindingSize);
  for (let bytes = Math.min(SMALLEST_COPY, largest); bytes <= largest; bytes *= COPY_STEP) {
    copy.push({ bytes, gbs: await copyRate(device, timer, bytes, seconds, signal) });
  }
  if (copy.at(-1)!.bytes < largest) {
    copy.push({ bytes: largest, gbs: await copyRate(device, timer, largest, seconds, signal) });
  }
  return { peak, copy };
}

interface FmaForm {
  vector: boolean;
  chains: 4 | 8;
  fused: boolean;
}

const FMA_FORMS: FmaForm[] = [false, true].flatMap((fused) =>
  [false, true].flatMap((vector) => ([4, 8] as const).map((chains) => ({ vector, chains, fused }))),
);

interface FmaAttributes extends FmaForm {
  scalar: 'f32' | 'f16';
  rounds: number;
}

const fma: Kernel<Record<never, TensorSpec>, FmaAttributes> = {
  name: 'fma_chains',
  source: fmaSource,

  // -> sink [N]
  dispatch(_, { scalar, vector, chains, fused, rounds }): Dispatch {
    const lanes = vector ? 4 : 1;
    const constants: Constants = {
      F16: scalar === 'f16',
      FUSED: fused,
      CHAINS: chains,
      Scalar: scalar,
      Elem: vector ? { f32: 'vec4f', f16: 'vec4h' }[scalar] : scalar,
      LANES: lanes,
    };
    return {
      outputs: { sink: f32(INVOCATIONS) },
      constants,
      params: { rounds, factor: 0.5, term: 0.5 },
      workgroups: [INVOCATIONS / 64, 1, 1],
      macs: INVOCATIONS * rounds * 4 * chains * lanes,
    };
  },
};

async function peakOf(
  scalar: 'f32' | 'f16',
  device: GPUDevice,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
): Promise<Peak> {
  const forms: Record<string, number> = {};
  for (const form of FMA_FORMS) {
    const { vector, chains, fused } = form;
    const name = `${chains} ${vector ? 'vec4' : 'scalar'} chains, ${fused ? 'fma(x, a, b)' : 'x * a + b'}`;
    forms[name] = await fmaRate({ ...form, scalar, rounds: 16 }, device, timer, seconds, signal);
  }
  const [form, gflops] = Object.entries(forms).reduce((a, b) => (b[1] > a[1] ? b : a));
  return { gflops, form, forms };
}

/** GFLOP/s. Rounds grow until starting the dispatch is a small part of its time. */
async function fmaRate(
  attributes: FmaAttributes,
  device: GPUDevice,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
): Promise<number> {
  const graph = new Graph();
  const { sink } = graph.apply('peak', fma, {}, attributes, 'sink');
  const bound = await BoundGraph.create(device, graph, new Map());
  try {
    const result = (await bound.runOnce([sink])).get(sink)!;
    const fixedPoint = attributes.chains * (attributes.vector ? 4 : 1);
    if (!result.every((sum) => Math.abs(sum - fixedPoint) <= 0.01 * fixedPoint)) {
      throw new Error(
        `fma_chains: wanted sums of ${fixedPoint}; got ${result.find((sum) => sum !== fixedPoint)}`,
      );
    }
    const repeats = await timer.repeatsFor((pass, n) => bound.encode(pass, n));
    const rounds = attributes.rounds * 8;
    if (repeats > 16 && rounds <= 1 << 16) {
      return fmaRate({ ...attributes, rounds }, device, timer, seconds, signal);
    }
    const { p50 } = await timer.measure((pass, n) => bound.encode(pass, n), seconds, signal);
    return (2 * graph.macs) / p50 / 1e6;
  } finally {
    bound.destroy();
  }
}

const copyKernel: Kernel<{ source: TensorSpec }, { per: number }> = {
  name: 'copy',
  source: `${copySource}\n${grid_lib}`,

  // source [N] -> copied [N]
  dispatch({ source }, { per }): Dispatch {
    const vec4s = sizeOf(source) / 4;
    const workgroups = grid(Math.ceil(vec4s / per), 256);
    return {
      outputs: { copied: f32(sizeOf(source)) },
      constants: { PER: per },
      params: { vec4s, stride: workgroups[0] * workgroups[1] * 256 },
      workgroups,
      macs: 0,
    };
  },
};

/** GB/s, read and written together, of the better of two forms. */
async function copyRate(
  device: GPUDevice,
  timer: Timer,
  bytes: number,
  seconds: number,
  signal?: AbortSignal,
): Promise<number> {
  let best = 0;
  for (const per of [1, 4]) {
    const graph = new Graph();
    const source = graph.input('source', f32(bytes / 8));
    const { copied } = graph.apply('copy', copyKernel, { source }, { per }, 'copied');
    const numbers = Float32Array.from({ length: bytes / 8 }, (_, i) => i % 65_521);
    const bound = await BoundGraph.create(device, graph, new Map<Tensor, HostData>([[source, numbers]]));
    try {
      const result = (await bound.runOnce([copied])).get(copied)!;
      if (!result.every((value, i) => value === numbers[i]))
        throw new Error(`copy: ${bytes} bytes came out wrong`);
      const { p50 } = await timer.measure((pass, n) => bound.encode(pass, n), seconds, signal);
      best = Math.max(best, bytes / p50 / 1e6);
    } finally {
      bound.destroy();
    }
  }
  return best;
}
