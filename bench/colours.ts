// Colours of kernels: the same in both charts. Those that take the most time have one of their own.

import type { Report } from './report';

/** style.css has them, for light and dark. */
const COLOURS = [1, 2, 3, 4, 5, 6].map((rank) => `var(--kernel-${rank})`);
export const OTHER = 'var(--kernel-other)';

/** By kernel, in the order of time taken; the last entry stands for all others. */
export function kernelColours({
  results,
  profile,
}: Pick<Report, 'results' | 'profile'>): Map<string, string> {
  const taken = new Map<string, number>();
  const add = (kernel: string, ms: number): void => void taken.set(kernel, ms + (taken.get(kernel) ?? 0));
  for (const { kernel, microseconds = 0 } of profile?.nodes ?? []) add(kernel, microseconds / 1000);
  for (const { part, kernel, times, ms, macs } of results) {
    if (part !== 'picture') add(kernel, macs ? times * ms.p50 : 0); // those in the roofline first
  }
  const kernels = [...taken].sort((a, b) => b[1] - a[1]).map(([kernel]) => kernel);
  return new Map(kernels.map((kernel, rank) => [kernel, COLOURS[rank] ?? OTHER]));
}
