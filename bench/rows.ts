// The rows of the kernel tables (tests/rows), as subjects: the same inputs, the same references.

import type { HostData } from '../src/graph/bound_graph';
import { Graph, type Tensor } from '../src/graph/graph';
import type { KernelCase } from '../tests/kernel_case';
import { type Subject, storedAs, workOf } from './subject';

export function rowSubjects(rows: readonly KernelCase[]): Subject[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const name = `${row.kernel.name}: ${row.what}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return rowSubject(row, times > 1 ? `${name} (${times})` : name);
  });
}

function rowSubject(row: KernelCase, label: string): Subject {
  const graph = new Graph();
  const data = new Map<Tensor, HostData>();
  const inputs: Record<string, Tensor | undefined> = {};
  for (const [name, given] of Object.entries(row.inputs)) {
    if (!given) continue;
    const tensor = graph.input(name, { shape: given.shape, dtype: given.dtype });
    inputs[name] = tensor;
    data.set(tensor, storedAs(tensor.dtype, given.data));
  }
  const outputs: Record<string, Tensor> = graph.apply(label, row.kernel, inputs, row.attributes);
  const share = presentShare(row);
  return {
    work: workOf(graph, { id: `row ${label}`, part: 'row', label: row.what, times: 1 }, share),
    graph,
    data: () => data,
    expected: () =>
      Object.entries(row.reference()).map(([name, values]) => ({
        tensor: outputs[name]!,
        values,
        tolerance: row.tolerance,
        reference: "the row's float64 loops",
      })),
  };
}

/** Of the regions that there is room for, how many are there. */
function presentShare({ inputs: { input, count } }: KernelCase): number {
  const capacity = input?.shape[0];
  return count && capacity ? Math.min(1, count.data[0]! / capacity) : 1;
}
