// Faster R-CNN against Mask R-CNN on one picture: the network with its mask branch and without it, by turns.

import type { LayerRow } from '../../src/index';
import type { Engine } from '../engine/client';
import type { Result } from '../engine/messages';
import type { Report } from '../shell/task';

/** Of one of the two. */
export interface Side {
  result: Result;
  /** Milliseconds of each run, from upload to results. */
  runsMs: readonly number[];
  nodes: number;
  macs: number;
}

export interface Comparison {
  faster: Side;
  mask: Side;
}

const TURNS = 3;

/** Runs both by turns, after one run each that is not counted. */
export async function compare(
  engine: Engine,
  bitmap: ImageBitmap,
  signal: AbortSignal,
  report: Report,
): Promise<Comparison> {
  const sides = { faster: await begin(engine, bitmap, false), mask: await begin(engine, bitmap, true) };
  const steps = 2 * (TURNS + 1);
  let step = 0;
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const name of ['faster', 'mask'] as const) {
      report(`${name === 'mask' ? 'With' : 'Without'} the mask branch`, step++ / steps);
      const result = await engine.detect(bitmap, { masks: name === 'mask', measure: true }, signal);
      if (turn > 0) sides[name].runsMs.push(result.timing.runMs);
      sides[name].result = result;
    }
  }
  return sides as Comparison;
}

async function begin(engine: Engine, { height, width }: ImageBitmap, masks: boolean) {
  const rows: LayerRow[] = await engine.describe(height, width, { masks });
  const macs = rows.reduce((sum, row) => sum + row.macs, 0);
  return { nodes: rows.length, macs, runsMs: [] as number[], result: undefined as Result | undefined };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The share of their boxes that masks fill, of objects of at least `score`: what boxes alone cannot tell. */
export function fill({ detections, found }: Result, score: number): number | undefined {
  let [masks, boxes] = [0, 0];
  (found ?? []).forEach(({ area }, i) => {
    const { box, mask, score: own } = detections[i]!;
    if (!mask || own < score) return;
    masks += area;
    boxes += (box[2] - box[0]) * (box[3] - box[1]);
  });
  return boxes > 0 ? masks / boxes : undefined;
}
