// Decides where each tensor lives: tensors that are never alive together share a buffer.
//
// Whole buffers are shared, not ranges of one arena: WebGPU forbids that a dispatch reads one range of a
// buffer and writes another. Largest first, each tensor takes the first buffer that is free while it lives
// (Pisarchyk and Lee 2020, Efficient Memory Management for Deep Neural Net Inference, «greedy by size»).

import { bytesOf } from '../kernels/kernel';
import type { Graph, Tensor } from './graph';

export interface Place {
  /** Index into `Plan.bufferBytes`. */
  readonly buffer: number;
  /** In bytes, for a part of a concatenation; 0 otherwise. */
  readonly offset: number;
}

/** A tensor's stay in a buffer. */
export interface Tenant {
  readonly label: string;
  readonly bytes: number;
  /** Index into `Plan.bufferBytes`. */
  readonly buffer: number;
  /** Indices of the node that first writes it and of the last that reads it; beyond the last node if it is kept. */
  readonly first: number;
  readonly last: number;
}

export interface Plan {
  readonly places: ReadonlyMap<Tensor, Place>;
  readonly bufferBytes: readonly number[];
  /** In the order of the nodes that write them. */
  readonly tenants: readonly Tenant[];
  /** Bytes of all activation buffers. */
  readonly peakBytes: number;
  /** Bytes if every tensor had its own buffer. */
  readonly bytesWithoutReuse: number;
}

interface Life {
  readonly tensor: Tensor;
  readonly bytes: number;
  /** Indices of the first node that writes and the last that reads. */
  birth: number;
  death: number;
}

/** Buffers for all tensors that nodes write. `kept` ones stay untouched until the end of the run. */
export function plan(graph: Graph, kept: ReadonlySet<Tensor>): Plan {
  const home = new Map<Tensor, { whole: Tensor; offset: number }>();
  for (const { whole, parts } of graph.concatenations) {
    for (const { tensor, offset } of parts) home.set(tensor, { whole, offset });
  }
  const lives = livesOf(graph, kept, (tensor) => rootOf(tensor, home).root);
  const { bufferOf, bufferBytes } = assign(lives);

  const places = new Map<Tensor, Place>();
  for (const { tensor } of lives) places.set(tensor, { buffer: bufferOf.get(tensor) as number, offset: 0 });
  for (const tensor of home.keys()) {
    const { root, offset } = rootOf(tensor, home);
    places.set(tensor, { buffer: bufferOf.get(root) as number, offset });
  }
  const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
  return {
    places,
    bufferBytes,
    tenants: lives.map(({ tensor, bytes, birth, death }) => ({
      label: tensor.label,
      bytes,
      buffer: bufferOf.get(tensor) as number,
      first: birth,
      last: Math.min(death, graph.nodes.length),
    })),
    peakBytes: sum(bufferBytes),
    bytesWithoutReuse: sum(lives.map((life) => life.bytes)),
  };
}

/** The tensor that holds another in the end, as parts may have parts, and where, in bytes. */
function rootOf(
  tensor: Tensor,
  home: ReadonlyMap<Tensor, { whole: Tensor; offset: number }>,
): { root: Tensor; offset: number } {
  let [root, offset] = [tensor, 0];
  for (let up = home.get(root); up; up = home.get(root)) {
    offset += up.offset;
    root = up.whole;
  }
  return { root, offset };
}

function livesOf(graph: Graph, kept: ReadonlySet<Tensor>, root: (tensor: Tensor) => Tensor): Life[] {
  const lives = new Map<Tensor, Life>();
  const touch = (tensor: Tensor, time: number): void => {
    if (tensor.origin !== 'node') return;
    const owner = root(tensor);
    const bytes = Math.max(16, bytesOf(owner));
    const life = lives.get(owner) ?? { tensor: owner, bytes, birth: time, death: time };
    life.birth = Math.min(life.birth, time);
    life.death = Math.max(life.death, kept.has(tensor) ? Number.POSITIVE_INFINITY : time);
    lives.set(owner, life);
  };
  graph.nodes.forEach((node, time) => {
    for (const tensor of Object.values(node.inputs)) touch(tensor, time);
    for (const tensor of Object.values(node.outputs)) touch(tensor, time);
  });
  return [...lives.values()];
}

function assign(lives: readonly Life[]): { bufferOf: Map<Tensor, number>; bufferBytes: number[] } {
  const bufferOf = new Map<Tensor, number>();
  const bufferBytes: number[] = [];
  const tenants: Life[][] = [];
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes || a.birth - b.birth)) {
    const together = (other: Life): boolean => life.birth <= other.death && other.birth <= life.death;
    let buffer = tenants.findIndex((others) => !others.some(together));
    if (buffer < 0) {
      buffer = tenants.push([]) - 1;
      bufferBytes.push(life.bytes);
    }
    tenants[buffer]?.push(life);
    bufferOf.set(life.tensor, buffer);
  }
  return { bufferOf, bufferBytes };
}
