// What a run did and cost, node by node.

import { bytesOf } from '../kernels/kernel';
import type { Graph } from './graph';
import type { Plan } from './plan';

/** What one run did and cost. */
export interface RunProfile {
  /** Of the graph's nodes. */
  dispatches: number;
  submits: number;
  readbacks: number;
  peakBytes: number;
  bytesWithoutReuse: number;
  /** Host time from upload to the results' arrival, ms. */
  runMs: number;
  nodes: NodeProfile[];
}

export interface NodeProfile {
  label: string;
  kernel: string;
  shape: readonly number[];
  macs: number;
  /** Bytes that the node reads and writes, each tensor once. */
  bytes: number;
  /** GPU time; undefined where the adapter has no timestamp-query, or profiling was off. */
  microseconds?: number | undefined;
}

/** `times`: of each node, when it began and ended, in ns. */
export function profileOf(
  { nodes }: Graph,
  { peakBytes, bytesWithoutReuse }: Plan,
  run: Pick<RunProfile, 'runMs' | 'submits' | 'readbacks'>,
  times?: BigUint64Array,
): RunProfile {
  const profiles = nodes.map((node, i): NodeProfile => {
    const tensors = [...Object.values(node.inputs), ...Object.values(node.outputs)];
    return {
      label: node.label,
      kernel: node.kernel.name,
      shape: Object.values(node.outputs)[0]?.shape ?? [],
      macs: node.dispatch.macs,
      bytes: tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
      microseconds: times && Number(times[2 * i + 1]! - times[2 * i]!) / 1000,
    };
  });
  return { dispatches: nodes.length, ...run, peakBytes, bytesWithoutReuse, nodes: profiles };
}
