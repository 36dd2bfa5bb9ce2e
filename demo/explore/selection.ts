// What the visitor looks at, kept from chapter to chapter: a node, a channel, a place in the picture.

import { signal } from '@preact/signals';
import type { Run } from './run';

/** Label of the chosen node; it may be of another run's network. */
export const chosenNode = signal<string>('');

/** Name of the kernel to change; it may be one that this run does not use. */
export const chosenKernel = signal<string>('mask_select');

export const chosenChannel = signal(0);

/** A place in the picture, 0..1 on both axes, padding excluded; undefined before anything was pointed at. */
export const place = signal<{ readonly x: number; readonly y: number } | undefined>(undefined);

/** The chosen node where this run has it, else the first that fits. */
export function nodeIn(run: Run, fits: (label: string) => boolean = () => true) {
  const { nodes } = run.info;
  return (
    nodes.find(({ label }) => label === chosenNode.value && fits(label)) ??
    nodes.find(({ label }) => fits(label))!
  );
}
