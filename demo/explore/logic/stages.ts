// The parts of the network that a node can belong to, by its label.

import type { NodeInfo } from '../../engine/explore_run';

export const STAGES = [
  ['input', 'Input'],
  ['backbone', 'Backbone'],
  ['fpn', 'FPN'],
  ['rpn', 'RPN head'],
  ['proposals', 'Proposals'],
  ['box', 'Box head'],
  ['mask', 'Mask head'],
  ['output', 'Output'],
] as const;

export type Stage = (typeof STAGES)[number][0];

const RULES: readonly [pattern: RegExp, stage: Stage][] = [
  [/^image$/, 'input'],
  [/^backbone\.fpn\./, 'fpn'],
  [/^backbone\./, 'backbone'],
  [/^rpn\.head\./, 'rpn'],
  [/^rpn\./, 'proposals'],
  [/^roi_heads\.mask/, 'mask'],
  [/^roi_heads\./, 'box'],
];

export function stageOf(label: string): Stage {
  return RULES.find(([pattern]) => pattern.test(label))?.[1] ?? 'output';
}

/** What a stage costs. */
export interface StageCost {
  readonly stage: Stage;
  readonly title: string;
  readonly nodes: number;
  readonly macs: number;
  readonly bytes: number;
  /** undefined where no node was timed. */
  readonly microseconds: number | undefined;
}

/** Multiply-adds of the regions that were there. */
export function computedMacs({ macs, rows }: NodeInfo): number {
  return rows ? (macs * rows.count) / rows.capacity : macs;
}

export function stageCosts(nodes: readonly NodeInfo[]): StageCost[] {
  return STAGES.flatMap(([stage, title]) => {
    const own = nodes.filter(({ label }) => stageOf(label) === stage);
    if (own.length === 0) return [];
    const sum = (of: (node: NodeInfo) => number) => own.reduce((total, node) => total + of(node), 0);
    const timed = own.some(({ microseconds }) => microseconds !== undefined);
    return {
      stage,
      title,
      nodes: own.length,
      macs: sum(computedMacs),
      bytes: sum(({ bytes }) => bytes),
      microseconds: timed ? sum(({ microseconds }) => microseconds ?? 0) : undefined,
    };
  });
}
