// What is benchmarked: a small graph with the numbers to run it on, and what must come out.

import { BoundGraph, type HostData } from '../src/graph/bound_graph';
import type { Graph, Node, Tensor } from '../src/graph/graph';
import type { Timer } from '../src/graph/timer';
import { bytesOf, type Dtype, describe } from '../src/kernels/kernel';
import { toFloat16, toFloat32 } from '../src/weights/float16';
import type { Work, WorkError } from './report';
import { measure } from './timing';

export interface Subject {
  work: Work;
  graph: Graph;
  /** Made when the subject's turn comes, as it may be large. */
  data(device: GPUDevice): ReadonlyMap<Tensor, HostData> | Promise<ReadonlyMap<Tensor, HostData>>;
  /** The truth about some outputs, in float64. Empty where the tests' rows alone know it. */
  expected(data: ReadonlyMap<Tensor, HostData>): Expected[];
}

/** What an output must hold: as a whole, or at `indices`. NaN means «not defined: do not look». */
export interface Expected {
  tensor: Tensor;
  values: ArrayLike<number>;
  indices?: ArrayLike<number>;
  /** |got - want| <= atol + rtol * |want|; integers are exact. */
  tolerance: { atol: number; rtol: number };
  /** Whose truth it is. */
  reference: string;
}

export function workOf(
  graph: Graph,
  given: Pick<Work, 'id' | 'part' | 'label' | 'times'> & { problem?: string },
  /** Of the multiply-adds, how much is done: less than 1 where some regions are absent. */
  share = 1,
): Work {
  const macs = Math.round(share * graph.macs);
  const tensors = new Set(graph.nodes.flatMap((node) => [...tensorsOf(node)]));
  const bytes = [...tensors].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return {
    ...given,
    kernel: graph.nodes.map((node) => node.kernel.name).join(' + '),
    problem: given.problem ?? (macs ? productOf(graph.nodes[0]!, macs) : given.id),
    macs,
    bytes,
    arithmetic: graph.nodes.some(usesF16) ? 'f16' : 'f32',
  };
}

function tensorsOf(node: Node): Tensor[] {
  return [...Object.values(node.inputs), ...Object.values(node.outputs)];
}

function usesF16({ dispatch }: Node): boolean {
  return dispatch.constants.Quad === 'vec4h';
}

/** A product of matrices by its sizes, whatever kernel does it and however the weight is packed. */
function productOf({ inputs, outputs }: Node, macs: number): string {
  const { input, weight: _, bias, ...others } = inputs;
  const options = [...(bias ? ['bias'] : []), ...Object.keys(others)].map((name) => ` + ${name}`).join('');
  const written = Object.values(outputs).map(describe).join(', ');
  return `${describe(input)}${options} -> ${written}, ${macs} multiply-adds`;
}

/** A kernel that does not compute what it should: its time is of no interest. */
export class WrongResult extends Error {}

/** Numbers as a tensor of this dtype stores them: of f16, halves, two to a word. */
export function storedAs(dtype: Dtype, data: HostData): HostData {
  if (dtype !== 'f16') return data;
  return new Uint32Array(toFloat16(data as Float32Array).buffer);
}

/** The numbers that a tensor holds. */
export function numbersOf({ dtype }: Tensor, stored: HostData): HostData {
  if (dtype !== 'f16') return stored;
  return toFloat32('F16', new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
}

/** Largest errors of one run over outputs full of NaN. Throws where one is beyond its tolerance. */
export async function verify(
  bound: BoundGraph,
  { work, expected }: Subject,
  data: ReadonlyMap<Tensor, HostData>,
): Promise<WorkError | undefined> {
  const wanted = expected(data);
  if (!wanted.length) return undefined;
  const got = await bound.runOnce(wanted.map(({ tensor }) => tensor));
  const errors = wanted.map((want) => errorOf(work.id, numbersOf(want.tensor, got.get(want.tensor)!), want));
  return errors.reduce((a, b) => (b.relative > a.relative ? b : a));
}

function errorOf(id: string, got: HostData, want: Expected): WorkError {
  const { values, indices, tolerance, tensor, reference } = want;
  let [absolute, largest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    const at = indices?.[i] ?? i;
    const difference = got[at] === value ? 0 : Math.abs(got[at]! - value);
    const allowed = tensor.dtype !== 'u32' ? tolerance.atol + tolerance.rtol * Math.abs(value) : 0;
    if (!(difference <= allowed)) {
      throw new WrongResult(
        `wrong result, so not timed: ${tensor.label}[${at}] is ${got[at]}, wanted ${value} by ${reference} (${id})`,
      );
    }
    absolute = Math.max(absolute, difference);
    if (Math.abs(value) < 1e38) largest = Math.max(largest, Math.abs(value));
  }
  return { absolute, relative: largest ? absolute / largest : 0, reference };
}

/** Compares, then times. */
export async function benchSubject(
  device: GPUDevice,
  timer: Timer,
  subject: Subject,
  seconds: number,
  signal?: AbortSignal,
) {
  const data = await subject.data(device);
  const bound = await BoundGraph.create(device, subject.graph, data);
  try {
    const error = await verify(bound, subject, data);
    const ms = await measure(timer, (pass, repeats) => bound.encode(pass, repeats), seconds, signal);
    return { ms, error };
  } finally {
    bound.destroy();
  }
}
