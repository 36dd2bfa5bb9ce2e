// The answers to four tasks, from what an instance segmentation found.

import type { FoundObject } from '../../engine/explore_run';

export const TASKS = [
  ['classification', 'Classification'],
  ['localisation', 'Localisation'],
  ['detection', 'Detection'],
  ['segmentation', 'Instance segmentation'],
] as const;

export type Task = (typeof TASKS)[number][0];

export interface Answer {
  /** Each class once, with its best object's score. */
  readonly classes: readonly { readonly label: string; readonly score: number }[];
  /** What is drawn. */
  readonly boxes: readonly FoundObject[];
  readonly masks: readonly FoundObject[];
  readonly sentence: string;
}

/** `found` by descending score; only those of at least score `least` count. */
export function answerOf(task: Task, found: readonly FoundObject[], least: number): Answer {
  const sure = found.filter(({ score }) => score >= least);
  const best = new Map<string, number>();
  for (const { label, score } of sure) best.set(label, Math.max(score, best.get(label) ?? 0));
  const classes = [...best].map(([label, score]) => ({ label, score }));
  const boxes = { classification: [], localisation: sure.slice(0, 1), detection: sure, segmentation: sure };
  const masks = task === 'segmentation' ? sure.filter(({ mask }) => mask) : [];
  return { classes, boxes: boxes[task], masks, sentence: sentenceOf(task, classes, sure) };
}

function sentenceOf(task: Task, classes: Answer['classes'], sure: readonly FoundObject[]): string {
  const [first] = sure;
  if (!first) return 'Nothing is there, at this threshold.';
  const list = classes.map(({ label, score }) => `${label} (${score.toFixed(2)})`).join(', ');
  const counts = classes
    .map(({ label }) => `${sure.filter((object) => object.label === label).length} × ${label}`)
    .join(', ');
  switch (task) {
    case 'classification':
      return `There is: ${list}.`;
    case 'localisation':
      return `The surest is a ${first.label}, at ${first.box.map((side) => side.toFixed(1)).join(', ')}.`;
    case 'detection':
      return `${counts}, each in its box.`;
    case 'segmentation': {
      const pixels = sure.reduce((sum, { mask }) => sum + (mask ? areaOf(mask.data) : 0), 0);
      return `${counts}; their masks cover ${pixels.toLocaleString('en')} pixels.`;
    }
  }
}

/** How many numbers the answer is: a class, a score, four of a box, a bit for each pixel of a mask's box. */
export function countNumbers({ classes, boxes, masks }: Answer): number {
  if (boxes.length === 0) return 2 * classes.length;
  return 6 * boxes.length + masks.reduce((sum, { mask }) => sum + mask!.data.length, 0);
}

function areaOf(pixels: Uint8Array): number {
  return pixels.reduce((sum, pixel) => sum + pixel, 0);
}
