// The plan of buffers as rectangles: a row for each buffer, as high as the buffer is large, and in it the tensors that
// lie there, from the node that writes them to the last that reads them.

import type { MemoryPlan, NodeInfo } from '../../engine/explore_run';

export interface TenantBox {
  readonly label: string;
  readonly buffer: number;
  readonly bytes: number;
  /** Nodes: from the beginning of the first to the end of the last. */
  readonly x1: number;
  readonly x2: number;
  /** Bytes from the top: a buffer's place, and as much of it as the tensor needs. */
  readonly y1: number;
  readonly y2: number;
}

/** Largest buffers first. */
export function tenantBoxes({ bufferBytes, tenants }: MemoryPlan): TenantBox[] {
  const order = bufferBytes.map((_, i) => i).sort((a, b) => bufferBytes[b]! - bufferBytes[a]!);
  const tops = new Map<number, number>();
  let top = 0;
  for (const buffer of order) {
    tops.set(buffer, top);
    top += bufferBytes[buffer]!;
  }
  return tenants.map(({ label, bytes, buffer, first, last }) => {
    const y1 = tops.get(buffer)!;
    return { label, buffer, bytes, x1: first, x2: last + 1, y1, y2: y1 + bytes };
  });
}

/** Bytes of the tensors that are needed while each node runs: what no plan can do without. */
export function neededBytes({ tenants }: MemoryPlan, nodes: number): number[] {
  const needed = new Array<number>(nodes).fill(0);
  for (const { first, last, bytes } of tenants) {
    for (let node = first; node <= Math.min(last, nodes - 1); node++) needed[node]! += bytes;
  }
  return needed;
}

/** How much of the time goes into nodes that multiply and add; undefined where there are no times. */
export function productShare(nodes: readonly Pick<NodeInfo, 'macs' | 'microseconds'>[]): number | undefined {
  const sum = (of: typeof nodes) => of.reduce((total, { microseconds = 0 }) => total + microseconds, 0);
  const all = sum(nodes);
  return all > 0 ? sum(nodes.filter(({ macs }) => macs > 0)) / all : undefined;
}

export interface KernelShare {
  readonly kernel: string;
  readonly nodes: number;
  readonly microseconds: number;
  readonly macs: number;
}

/** What each kernel takes, the longest first; by multiply-adds where there are no times. */
export function kernelShares(
  nodes: readonly { kernel: string; macs: number; microseconds?: number | undefined }[],
): KernelShare[] {
  const shares = new Map<string, KernelShare>();
  for (const { kernel, macs, microseconds = 0 } of nodes) {
    const known = shares.get(kernel) ?? { kernel, nodes: 0, microseconds: 0, macs: 0 };
    shares.set(kernel, {
      kernel,
      nodes: known.nodes + 1,
      microseconds: known.microseconds + microseconds,
      macs: known.macs + macs,
    });
  }
  return [...shares.values()].sort((a, b) => b.microseconds - a.microseconds || b.macs - a.macs);
}
