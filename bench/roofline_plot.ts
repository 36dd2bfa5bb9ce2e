// The roofline: what each result reaches, over how many operations it does for each byte; both axes logarithmic.

import * as Plot from '@observablehq/plot';
import { bandwidth, type Ceilings, type Report, type Result } from './report';
import { digits, short } from './text';

/** Margins, pixels. */
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 28, 40];

/** A chart of all results that multiply. `onChoose` hears of a click on one. */
export function rooflinePlot(
  report: Report,
  colours: ReadonlyMap<string, string>,
  width: number,
  chosen: Result | undefined,
  onChoose: (result: Result) => void,
): Element {
  const results = report.results.filter(({ gflops }) => gflops > 0);
  const x = extent(results.map(({ intensity }) => intensity));
  const rates = results.map(({ gflops }) => gflops);
  const y: [number, number] = [
    Math.min(x[0] * report.ceilings.copy.at(-1)!.gbs, ...rates) / 2,
    Math.max(top(report.ceilings), ...rates) * 2,
  ];
  const height = Math.round(Math.min(480, Math.max(300, width * 0.5)));
  const pixels = (length: number, [least, most]: [number, number]): number =>
    length / Math.log10(most / least);
  const slope = pixels(height - TOP - BOTTOM, y) / pixels(width - LEFT - RIGHT, x);
  const used = [...colours].filter(([kernel]) => results.some((result) => result.kernel === kernel));
  const chart = Plot.plot({
    width,
    height,
    marginLeft: LEFT,
    marginRight: RIGHT,
    marginTop: TOP,
    marginBottom: BOTTOM,
    className: 'plot',
    x: { type: 'log', domain: x, label: 'FLOP per byte', grid: true, tickFormat: short, labelOffset: 36 },
    y: {
      type: 'log',
      label: 'GFLOP/s',
      grid: true,
      tickFormat: short,
      domain: y,
    },
    color: { domain: used.map(([kernel]) => kernel), range: used.map(([, colour]) => colour), legend: true },
    symbol: { domain: ['row', 'model', 'variant'], range: ['circle', 'square', 'diamond'] },
    marks: [
      ...roofs(report.ceilings, x, slope),
      Plot.dot(results, {
        x: 'intensity',
        y: 'gflops',
        stroke: 'kernel',
        fill: 'kernel',
        fillOpacity: 0.35,
        symbol: 'part',
        r: 4.5,
        clip: true,
      }),
      Plot.dot(chosen && chosen.gflops > 0 ? [chosen] : [], {
        x: 'intensity',
        y: 'gflops',
        r: 10,
        stroke: 'currentColor',
        strokeWidth: 2,
      }),
      Plot.tip(
        results,
        Plot.pointer({
          x: 'intensity',
          y: 'gflops',
          maxRadius: 30,
          title: (result: Result) =>
            [
              result.label,
              result.kernel,
              `${digits(result.ms.p50)} ms, ${digits(result.gflops)} GFLOP/s, ${digits(result.gbs)} GB/s`,
              `${digits(result.ofRoofline)} % of the roofline`,
            ].join('\n'),
        }),
      ),
    ],
  });
  chart.addEventListener('click', () => {
    if (chart.value) onChoose(chart.value as Result);
  });
  return chart;
}

/** The ceiling of memory, that of the fastest cache, and those of arithmetic. */
function roofs(ceilings: Ceilings, [least, most]: [number, number], slope: number): Plot.Markish[] {
  const { peak, copy } = ceilings;
  const memory = { name: 'memory', gbs: copy.at(-1)!.gbs };
  const cache = { name: 'caches', gbs: bandwidth(ceilings, 0) };
  const slopes = cache.gbs > 1.05 * memory.gbs ? [memory, cache] : [memory];
  const best = top(ceilings);
  const flat = Object.entries(peak).map(([name, { gflops }]) => ({ name, gflops }));
  return [
    ...slopes.map(({ gbs }, i) => {
      const ridge = Math.min(most, Math.max(least, best / gbs));
      const points = [
        [least, least * gbs],
        [ridge, ridge * gbs],
      ];
      return Plot.line(points, {
        strokeWidth: 2,
        strokeOpacity: i ? 0.45 : 0.8,
        strokeDasharray: i ? '5 4' : '',
        clip: true,
      });
    }),
    ...flat.map(({ name, gflops }) => {
      const ridge = Math.max(least, gflops / slopes.at(-1)!.gbs);
      const points = [
        [Math.min(ridge, most), gflops],
        [most, gflops],
      ];
      return Plot.line(points, { strokeWidth: 2, strokeOpacity: name === 'f32' ? 0.8 : 0.45 });
    }),
    Plot.text(flat, {
      x: most,
      y: 'gflops',
      text: ({ name, gflops }) => `${name} peak, ${digits(gflops)} GFLOP/s`,
      textAnchor: 'end',
      dy: -8,
    }),
    Plot.text(slopes, {
      x: least,
      y: ({ gbs }) => least * gbs,
      text: ({ name, gbs }) => `${name}, ${digits(gbs)} GB/s`,
      textAnchor: 'start',
      rotate: (-180 / Math.PI) * Math.atan(slope), // along its line, a little above
      dx: 8,
      dy: -8 - 8 * slope,
    }),
  ];
}

function top({ peak }: Ceilings): number {
  return Math.max(...Object.values(peak).map(({ gflops }) => gflops));
}

/** The range of all numbers, with room beside it. */
function extent(numbers: readonly number[]): [number, number] {
  return [Math.min(0.5, ...numbers) / 1.5, Math.max(50, ...numbers) * 1.5];
}
