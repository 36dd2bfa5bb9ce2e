// Two reports side by side: how many times as fast the second is, and whether that is beyond the spreads.

import { geometricMean } from 'simple-statistics';
import type { Report, Result } from './report';

export interface Comparison {
  id: string;
  label: string;
  /** Of the first report's, and the second's where it differs. */
  kernel: string;
  /** Medians, ms. */
  before: number;
  after: number;
  /** before / after: above 1 the second report is faster. */
  ratio: number;
  /** Whether 90 % of the one's samples lie beyond 90 % of the other's. */
  certain: boolean;
}

export interface ComparedReports {
  pairs: Comparison[];
  /** Of the ratios of all pairs; undefined where there is none. */
  geometricMean?: number;
  /** Ids of results that only one of the reports has. */
  onlyBefore: string[];
  onlyAfter: string[];
  /** Why the two may not be comparable at all. */
  differences: string[];
}

/** Pairs results of the same id; where a problem is now solved by other kernels, the fastest of before and after. */
export function compareReports(before: Report, after: Report): ComparedReports {
  const known = new Map(before.results.map((result) => [result.id, result]));
  const pairs: [Result, Result][] = after.results.flatMap((result) => {
    const same = known.get(result.id);
    return same ? [[same, result]] : [];
  });
  const paired = new Set(pairs.map(([{ id }]) => id));
  const newly = after.results.filter(({ id }) => !paired.has(id));
  const gone = before.results.filter(({ id }) => !paired.has(id));
  for (const problem of new Set(newly.map(problemOf))) {
    const old = fastest(before.results, problem);
    const now = fastest(after.results, problem);
    if (old && now && old.id !== now.id) pairs.push([old, now]);
  }
  const matched = new Set(pairs.flatMap(([a, b]) => [a.id, b.id]));
  const compared = pairs.map(([a, b]) => comparisonOf(a, b));
  return {
    pairs: compared,
    ...(compared.length ? { geometricMean: geometricMean(compared.map(({ ratio }) => ratio)) } : {}),
    onlyBefore: gone.map(({ id }) => id).filter((id) => !matched.has(id)),
    onlyAfter: newly.map(({ id }) => id).filter((id) => !matched.has(id)),
    differences: differencesOf(before, after),
  };
}

function comparisonOf(a: Result, b: Result): Comparison {
  return {
    id: b.id,
    label: b.label,
    kernel: a.kernel === b.kernel ? b.kernel : `${a.kernel} -> ${b.kernel}`,
    before: a.ms.p50,
    after: b.ms.p50,
    ratio: a.ms.p50 / b.ms.p50,
    certain: a.ms.p5 > b.ms.p95 || b.ms.p5 > a.ms.p95,
  };
}

function problemOf({ part, problem }: Result): string {
  return `${part} ${problem}`;
}

function fastest(results: readonly Result[], problem: string): Result | undefined {
  const candidates = results.filter((result) => problemOf(result) === problem);
  return candidates.sort((a, b) => a.ms.p50 - b.ms.p50)[0];
}

function differencesOf(before: Report, after: Report): string[] {
  const facts = ({ environment: { adapter, clock, versions } }: Report): Record<string, string> => ({
    adapter: Object.values(adapter).filter(Boolean).join(' '),
    clock,
    ...versions,
  });
  const [a, b] = [facts(before), facts(after)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => a[name] !== b[name])
    .map((name) => `${name}: ${a[name] ?? 'none'} and ${b[name] ?? 'none'}`);
}
