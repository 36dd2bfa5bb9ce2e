// The distinct dispatches of a model, as subjects. Each runs alone, on random maps, weights and boxes, and with all
// regions present. Work that depends on what is in a picture (suppression, paste) is timed truly only in a whole run.

import type { HostData } from '../src/graph/bound_graph';
import { Graph, type Node, type Tensor } from '../src/graph/graph';
import { describe, sizeOf } from '../src/kernels/kernel';
import { uniform } from '../tests/kernel_case';
import { sampledReference } from './sampled_reference';
import { numbersOf, type Subject, storedAs, workOf } from './subject';

/** Dispatches of the same kernel, constants and parameters are one, under the first's label. */
export function modelSubjects(graph: Graph): Subject[] {
  const distinct = new Map<string, { node: Node; times: number }>();
  for (const node of graph.nodes) {
    const { constants, params } = node.dispatch;
    const key = JSON.stringify([node.kernel.name, constants, params]);
    const known = distinct.get(key);
    if (known) known.times++;
    else distinct.set(key, { node, times: 1 });
  }
  return [...distinct.values()].map(({ node, times }) => modelSubject(graph, node, times));
}

function modelSubject(model: Graph, node: Node, times: number): Subject {
  const graph = new Graph();
  graph.nodes.push(node);
  const shape = describe(Object.values(node.outputs)[0]);
  const id = `model ${node.label} ${node.kernel.name} ${shape}`;
  return {
    work: workOf(graph, { id, part: 'model', label: `${node.label} ${shape}`, times }),
    graph,
    data() {
      const entries = Object.entries(node.inputs);
      return new Map(
        entries.map(([name, tensor]) => [
          tensor,
          model.constants.get(tensor) ?? storedAs(tensor.dtype, madeUp(name, tensor, node)),
        ]),
      );
    },
    expected: (data) =>
      sampledReference(
        node,
        new Map([...data].map(([tensor, stored]) => [tensor, numbersOf(tensor, stored)])),
      ),
  };
}

/** The picture that boxes are in, pixels a side. */
const SIDE = 800;

function madeUp(name: string, tensor: Tensor, node: Node): HostData {
  const next = uniform(sizeOf(tensor));
  const length = sizeOf(tensor);
  if (tensor.dtype === 'f32' && /boxes|proposals/.test(name)) return randomBoxes(length / 4, next);
  if (tensor.dtype !== 'u32') return Float32Array.from({ length }, () => 2 * next() - 1);
  if (name === 'count') return new Uint32Array(length).fill(capacity(node));
  if (name === 'pixels') return Uint32Array.from({ length }, () => next() * 2 ** 32);
  return new Uint32Array(length); // positions: the first is always there
}

/** No fewer than the regions that the node has room for. */
function capacity({ inputs, outputs }: Node): number {
  return Math.max(...[...Object.values(inputs), ...Object.values(outputs)].map(({ shape }) => shape[0]!));
}

function randomBoxes(count: number, next: () => number): Float32Array {
  const boxes = new Float32Array(4 * count);
  for (let i = 0; i < 4 * count; i += 4) {
    const [x, y] = [next() * SIDE, next() * SIDE];
    boxes.set([x, y, x + next() * (SIDE - x), y + next() * (SIDE - y)], i);
  }
  return boxes;
}
