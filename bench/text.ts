// Reports and comparisons as text for the terminal.

import { scaled, table } from '../src/cli/table';
import type { ComparedReports } from './compare';
import { bandwidth, type Ceilings, type Environment, type Report, type Result } from './report';

/** Three significant digits, without an exponent. */
export function digits(x: number | undefined): string {
  if (x === undefined || !Number.isFinite(x)) return '-';
  if (x === 0) return '0';
  const whole = Math.floor(Math.log10(Math.abs(x))) + 1;
  return x.toFixed(Math.min(6, Math.max(0, 3 - whole)));
}

export function environmentText({ adapter, clock, commit, versions }: Environment): string {
  const name = [adapter.description || adapter.device, adapter.vendor, adapter.architecture];
  return [
    `adapter:  ${name.filter(Boolean).join(', ')}`,
    `clock:    ${clock}`,
    `commit:   ${commit}`,
    `versions: ${Object.entries(versions)
      .map((pair) => pair.join(' '))
      .join(', ')}\n`,
  ].join('\n');
}

export function ceilingsText(ceilings: Ceilings): string {
  const { peak, copy } = ceilings;
  const peaks = Object.entries(peak).map(
    ([name, { gflops, form }]) => `${name} ${digits(gflops)} GFLOP/s (${form})`,
  );
  const largest = copy.at(-1)!;
  const cached = bandwidth(ceilings, 0);
  return [
    `peak:     ${peaks.join('; ')}`,
    `copy:     ${digits(largest.gbs)} GB/s over ${scaled(largest.bytes)}B, at most ${digits(cached)} GB/s in caches\n`,
  ].join('\n');
}

const HEADINGS = {
  ms: ['p50 ms', 'p95 ms', 'spread %'],
  rates: ['GFLOP/s', 'GB/s', 'FLOP/B', '% roof', '% best', 'error'],
};

/** Three significant digits at most, for axes. */
export function short(x: number): string {
  return String(Number(x.toPrecision(3)));
}

/** One table for each part, as aligned columns. */
export function resultsText({ results, failures }: Report): string {
  const parts = ['row', 'model', 'variant', 'picture'] as const;
  const tables = parts.flatMap((part) => {
    const own = results.filter((result) => result.part === part);
    if (!own.length) return [];
    const head = [part, 'kernel', ...(part === 'model' ? ['times'] : []), ...HEADINGS.ms, ...HEADINGS.rates];
    return [`${table([head, ...own.map(line)])}${part === 'model' ? sumText(own) : ''}`];
  });
  const faults = failures.map(({ id, why }) => `not timed: ${id}: ${why}\n`);
  return [...tables, ...faults].join('\n');
}

function line(result: Result): string[] {
  const { label, kernel, part, times, ms, gflops, gbs, intensity, error } = result;
  return [
    label,
    kernel,
    ...(part === 'model' ? [String(times)] : []),
    ...[ms.p50, ms.p95, ms.spread, gflops, gbs, intensity, result.ofRoofline, result.ofBest].map(digits),
    error ? error.relative.toExponential(1) : '-',
  ];
}

function sumText(results: readonly Result[]): string {
  const sum = results.reduce((total, { times, ms }) => total + times * ms.p50, 0);
  return `sum over all dispatches of a picture: ${digits(sum)} ms\n`;
}

export function comparisonText({ pairs, differences, ...compared }: ComparedReports): string {
  const rows = pairs.map(({ label, kernel, before, after, ratio, certain }) => [
    label,
    kernel,
    ...[before, after, ratio].map(digits),
    verdict(ratio, certain),
  ]);
  const mean = compared.geometricMean;
  return [
    ...differences.map((difference) => `differs: ${difference}\n`),
    table([['what', 'kernel', 'A ms', 'B ms', 'A / B', ''], ...rows]),
    ...compared.onlyBefore.map((id) => `only in A: ${id}\n`),
    ...compared.onlyAfter.map((id) => `only in B: ${id}\n`),
    mean === undefined
      ? 'nothing in common\n'
      : `geometric mean of ${pairs.length}: ${digits(mean)} (above 1: B is faster)\n`,
  ].join('');
}

/** Empty where the spreads overlap. */
export function verdict(ratio: number, certain: boolean): string {
  if (!certain) return '';
  return ratio > 1 ? 'faster' : 'slower';
}
