// The boxes of a flame chart: nodes under the modules that their labels name.

import type { ModelProfile } from './report';

/** A node, or consecutive nodes of the same module. */
export interface Frame {
  /** What its label ends in, and all of it. */
  name: string;
  path: string;
  depth: number;
  /** From the beginning of the run, ms. */
  begin: number;
  end: number;
  /** Of a node; undefined for a module. */
  kernel?: string;
  macs: number;
}

/** Frames in the order of begin, then depth; the first is the whole run. */
export function framesOf(profile: ModelProfile): Frame[] {
  const whole: Frame = { name: 'model', path: '', depth: 0, begin: 0, end: 0, macs: 0 };
  const frames: Frame[] = [whole];
  let open: Frame[] = [whole];
  for (const { label, kernel, macs, microseconds = 0 } of profile.nodes) {
    const begin = whole.end;
    const names = label.split('.');
    const paths = names.map((_, i) => names.slice(0, i + 1).join('.'));
    let shared = 1;
    // a module goes on while its nodes follow each other; a node never goes on
    while (shared < names.length && open[shared]?.path === paths[shared - 1] && !open[shared]?.kernel)
      shared++;
    open = open.slice(0, shared);
    for (let depth = shared; depth <= names.length; depth++) {
      const leaf = depth === names.length;
      const frame = { name: names[depth - 1]!, path: paths[depth - 1]!, depth, begin, end: begin, macs: 0 };
      open.push(leaf ? { ...frame, kernel } : frame);
      frames.push(open.at(-1)!);
    }
    for (const frame of open) {
      frame.end = begin + microseconds / 1000;
      frame.macs += macs;
    }
  }
  return frames;
}
