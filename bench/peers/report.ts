// What was measured, as tables and against the bars of the project.

import type { Difference, FoundDifference } from './compare';
import type { Engine } from './page';
import { firstResultMs, geometricMean, spread, steadyStateMs, type Timing } from './timing';
import type { TorchResult } from './torch';

/** Of one engine; `error` where it has no result. */
export interface EngineResult<Distance> {
  timing?: Timing;
  difference?: Distance | undefined;
  error?: string;
}

export interface LayerResult {
  name: string;
  gflop: number;
  engines: Partial<Record<Engine, EngineResult<Difference>>>;
}

export type DetectResults = Partial<Record<Engine, EngineResult<FoundDifference> & { found?: number }>>;

export interface Report {
  date: string;
  commit: string;
  /** Of the page's; Node's is with the comparison with PyTorch. */
  adapter: string;
  versions: Record<string, string>;
  settings: Record<string, string | number>;
  layers: LayerResult[];
  detect: DetectResults;
  torch?: TorchResult;
  bars: Bar[];
}

/** A wanted ratio, and the one that was measured. */
export interface Bar {
  what: string;
  wanted: string;
  measured: number;
  holds: boolean;
}

/** Those that the geometric mean is against: the faster of them counts for each layer. */
const LAYER_PEERS: readonly Engine[] = ['ort-webgpu', 'tfjs'];

/** All that run on the GPU. */
const GPU_PEERS: readonly Engine[] = [...LAYER_PEERS, 'litert', 'ort-webgpu-nchw'];

/** A difference of this much of the largest value is no rounding. */
const WRONG = 1e-3;

/** How many times our time the fastest of these peers takes, in steady state. */
function layerRatio({ engines }: LayerResult, peers = LAYER_PEERS): number | undefined {
  const ours = engines.ours?.timing;
  const theirs = peers.flatMap((engine) => engines[engine]?.timing ?? []).map(steadyStateMs);
  return ours && theirs.length ? Math.min(...theirs) / steadyStateMs(ours) : undefined;
}

export function barsOf({ layers, detect, torch }: Pick<Report, 'layers' | 'detect' | 'torch'>): Bar[] {
  const bars: Bar[] = [];
  const atLeast = (what: string, wanted: number, measured: number): void => {
    bars.push({ what, wanted: `>= ${wanted}`, measured, holds: measured >= wanted });
  };
  const ratios = layers.flatMap((layer) => layerRatio(layer) ?? []);
  if (ratios.length) {
    const times = `times the faster of ${LAYER_PEERS.join(' and ')}`;
    atLeast(`${ratios.length} layers, geometric mean: ${times}`, 6, geometricMean(ratios));
    atLeast('the slowest of them', 1, Math.min(...ratios));
  }
  const [ours, theirs] = [detect.ours?.timing, detect['ort-webgpu']?.timing];
  if (ours && theirs) {
    const times = 'times onnxruntime-web on WebGPU';
    atLeast(`end to end, steady: ${times}`, 10, steadyStateMs(theirs) / steadyStateMs(ours));
    atLeast(`end to end, first run: ${times}`, 10, theirs.firstMs / ours.firstMs);
    atLeast(
      `end to end, from file to first result: ${times}`,
      10,
      firstResultMs(theirs) / firstResultMs(ours),
    );
  }
  if (torch) {
    const measured = steadyStateMs(torch.ours) / steadyStateMs(torch.torch);
    bars.push({
      what: "Node's adapter: our time over PyTorch's",
      wanted: '<= 10',
      measured,
      holds: measured <= 10,
    });
  }
  return bars;
}

export function printReport(report: Report): void {
  const { layers, detect, torch, bars } = report;
  if (layers.length) console.table(layerTable(layers));
  if (Object.keys(detect).length) console.table(detectTable(detect));
  if (torch) console.table(torchTable(torch));
  const ofAll = layers.flatMap((layer) => layerRatio(layer, GPU_PEERS) ?? []);
  if (ofAll.length)
    console.log(`geometric mean over the fastest of all GPU peers: ${digits(geometricMean(ofAll))}`);
  for (const { what, wanted, measured, holds } of bars) {
    console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${digits(measured)} (wanted ${wanted})`);
  }
}

/** One run in words, as soon as it is done. */
export function inWords({ timing, difference, error }: EngineResult<unknown>): string {
  if (!timing) return `failed: ${error}`;
  const { createMs, firstMs, steadyMs } = timing;
  const steady = steadyMs.length
    ? `then ${steadyMs.map(milliseconds).join(', ')}`
    : 'no other within the limit';
  const apart = difference ? `; from ours: ${JSON.stringify(difference, rounded)}` : '';
  return `ready in ${milliseconds(createMs)}, first run ${milliseconds(firstMs)}, ${steady}${apart}`;
}

function layerTable(layers: readonly LayerResult[]): Record<string, Record<string, string>> {
  const rows = layers.map((layer) => {
    const cells: Record<string, string> = { GFLOP: digits(layer.gflop) };
    for (const [engine, { timing, difference, error }] of Object.entries(layer.engines)) {
      const wrong = difference && !(difference.relative < WRONG) ? ` WRONG by ${digits(difference.max)}` : '';
      cells[`${engine}, ms`] = timing ? spreadOut(timing) + wrong : error!.slice(0, 40);
    }
    const apart = Object.values(layer.engines).flatMap(({ difference }) => difference?.max ?? []);
    cells['apart by'] = apart.length ? digits(Math.max(...apart)) : '';
    const ratio = layerRatio(layer);
    cells['faster peer / ours'] = flagged(ratio);
    cells['of all'] = flagged(layerRatio(layer, GPU_PEERS));
    return [layer.name, cells] as const;
  });
  return Object.fromEntries(rows);
}

function detectTable(detect: DetectResults): Record<string, Record<string, string | number>> {
  const ours = detect.ours?.timing;
  const rows = Object.entries(detect).map(([engine, { timing, found, difference, error }]) => {
    if (!timing) return [engine, { failed: error!.slice(0, 60) }] as const;
    const ratio = ours ? steadyStateMs(timing) / steadyStateMs(ours) : Number.NaN;
    const cells: Record<string, string | number> = {
      'ready, ms': milliseconds(timing.createMs),
      'first, ms': milliseconds(timing.firstMs),
      'steady, ms': spreadOut(timing),
      'over ours': engine === 'ours' ? '' : digits(ratio) + (ratio < 1 ? ' WE ARE SLOWER' : ''),
      found: found ?? '',
    };
    return [engine, { ...cells, ...(difference && apart(difference)) }] as const;
  });
  return Object.fromEntries(rows);
}

function torchTable({ ours, torch, difference }: TorchResult): Record<string, Record<string, string>> {
  const row = (timing: Timing) => ({
    'first, ms': milliseconds(timing.firstMs),
    'steady, ms': spreadOut(timing),
  });
  const { 'masks, least IoU': _, 'mask pixels': __, ...boxes } = apart(difference);
  return { ours: row(ours), torch: { ...row(torch), ...boxes } };
}

function apart(difference: FoundDifference): Record<string, string> {
  const { ours, paired, box, score, maskIou, maskPixels, maskArea } = difference;
  return {
    'paired with ours': `${paired} of ${ours}`,
    'box, px': digits(box),
    score: digits(score),
    'masks, least IoU': digits(maskIou),
    'mask pixels': `${maskPixels} of ${maskArea}`,
  };
}

/** A ratio to our time. */
function flagged(ratio = Number.NaN): string {
  if (Number.isNaN(ratio)) return '';
  return ratio < 1 ? `${digits(ratio)} WE ARE SLOWER` : digits(ratio);
}

/** Median, spread and number of the runs after the first. */
function spreadOut(timing: Timing): string {
  const { steadyMs } = timing;
  if (!steadyMs.length) return `${milliseconds(timing.firstMs)} (first only)`;
  const around = steadyMs.length > 1 ? ` ±${Math.round(spread(steadyMs) / 2)}%` : '';
  return `${milliseconds(steadyStateMs(timing))}${around} n${steadyMs.length}`;
}

function milliseconds(ms: number): string {
  return ms < 100 ? ms.toPrecision(3) : Math.round(ms).toLocaleString('en');
}

function digits(x: number): string {
  return String(Number(x.toPrecision(3)));
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(3)) : value;
}
