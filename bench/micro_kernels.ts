// The micro-kernels of the ceilings: multiply-adds in registers, and copies. Each has a few forms, of which
// adapters prefer one or another.

import grid_lib from '../shaders/lib/grid.wgsl?raw';
import type { HostData } from '../src/graph/bound_graph';
import { Graph, type Tensor } from '../src/graph/graph';
import { type Dispatch, f32, grid, type Kernel, sizeOf, type TensorSpec } from '../src/kernels/kernel';
import copySource from './shaders/copy.wgsl?raw';
import fmaSource from './shaders/fma_chains.wgsl?raw';

/** One form of a micro-kernel, ready to be bound. */
export interface MicroKernel {
  name: string;
  graph: Graph;
  data: Map<Tensor, HostData>;
  output: Tensor;
  /** Whether the output is what it should be. */
  correct(output: HostData): boolean;
  /** Floating point operations, or bytes read and written. */
  amount: number;
}

interface FmaAttributes {
  scalar: 'f32' | 'f16';
  /** Chains of vec4s. */
  vector: boolean;
  chains: 4 | 8;
  /** fma(x, a, b), or x * a + b. */
  fused: boolean;
  /** Of 4 steps of each chain. */
  rounds: number;
}

const INVOCATIONS = 64 * 4096; // some for every lane of the largest GPUs

const fma: Kernel<Record<never, TensorSpec>, FmaAttributes> = {
  name: 'fma_chains',
  source: fmaSource,

  // -> sink [N]
  dispatch(_, { scalar, vector, chains, fused, rounds }): Dispatch {
    const lanes = vector ? 4 : 1;
    return {
      outputs: { sink: f32(INVOCATIONS) },
      constants: {
        F16: scalar === 'f16',
        FUSED: fused,
        CHAINS: chains,
        Scalar: scalar,
        Elem: vector ? { f32: 'vec4f', f16: 'vec4h' }[scalar] : scalar,
        LANES: lanes,
      },
      params: { rounds, factor: 0.5, term: 0.5 },
      workgroups: [INVOCATIONS / 64, 1, 1],
      macs: INVOCATIONS * rounds * 4 * chains * lanes,
    };
  },
};

/** Makers of all forms of multiply-adds, by the number of rounds. */
export function fmaForms(scalar: 'f32' | 'f16'): ((rounds: number) => MicroKernel)[] {
  return [false, true].flatMap((fused) =>
    [false, true].flatMap((vector) =>
      ([4, 8] as const).map(
        (chains) => (rounds: number) => fmaForm({ scalar, vector, chains, fused, rounds }),
      ),
    ),
  );
}

function fmaForm(attributes: FmaAttributes): MicroKernel {
  const { vector, chains, fused } = attributes;
  const graph = new Graph();
  const { sink } = graph.apply('multiply-adds', fma, {}, attributes, 'sink');
  const sum = chains * (vector ? 4 : 1); // each chain comes to its fixed point, 1
  return {
    name: `${chains} ${vector ? 'vec4' : 'scalar'} chains, ${fused ? 'fma(x, a, b)' : 'x * a + b'}`,
    graph,
    data: new Map(),
    output: sink,
    correct: (output) => output.every((value) => Math.abs(value - sum) <= 0.01 * sum),
    amount: 2 * graph.macs,
  };
}

const copy: Kernel<{ source: TensorSpec }, { per: number }> = {
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

/** All forms of a copy that reads and writes so many bytes together. */
export function copyForms(bytes: number): MicroKernel[] {
  return [1, 4].map((per) => {
    const graph = new Graph();
    const source = graph.input('source', f32(bytes / 8));
    const { copied } = graph.apply('copy', copy, { source }, { per }, 'copied');
    const numbers = new Float32Array(bytes / 8);
    for (let i = 0; i < numbers.length; i++) numbers[i] = i % 65_521; // a prime: no two pages are the same
    return {
      name: `${per} vec4 an invocation`,
      graph,
      data: new Map([[source, numbers]]),
      output: copied,
      correct: (output: HostData) => output.every((value, i) => value === numbers[i]),
      amount: bytes,
    };
  });
}
