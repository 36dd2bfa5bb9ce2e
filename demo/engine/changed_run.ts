// The same picture again, through a network that was changed: with ROI Pool, or with shaders that the visitor edited.
// Only what is asked for is kept.

import { detectionsOf } from '../../src/detection';
import { ShaderError, type ShaderFault } from '../../src/errors';
import { type HostTensor, Program } from '../../src/graph/program';
import type { Loaded } from '../../src/load';
import type { ConfigOptions } from '../../src/model/config';
import { type FoundObject, type OnProgress, portable, type RunInfo } from './explore_run';

export interface Changes {
  readonly config?: ConfigOptions;
  /** WGSL texts in place of kernels' own, by the kernels' names. */
  readonly shaders?: Readonly<Record<string, string>>;
}

export interface ChangedRun {
  readonly found: readonly FoundObject[];
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly runMs: number;
}

/** What became of it. A shader's faults are an answer, not an error: errors lose them on the way from a worker. */
export type Outcome = ChangedRun | { readonly faults: readonly ShaderFault[] };

/** `labels`: of tensors that are wanted. */
export async function runChanged(
  { device, checkpoint, computing, build, weights }: Loaded,
  { picture, config, classes }: RunInfo,
  words: Uint32Array<ArrayBuffer>,
  changes: Changes,
  labels: readonly string[],
  onProgress?: OnProgress,
): Promise<Outcome> {
  const changed = { ...computing, ...(changes.shaders && { shaders: changes.shaders }) };
  const network = build(checkpoint, { ...config, ...changes.config }, picture, changed);
  const wanted = Object.fromEntries(labels.map((label) => [label, network.graph.find(label)]));
  let program: Program | undefined;
  try {
    program = await Program.create(device, network.graph, weights, { ...network.outputs, ...wanted });
    program.write(network.pixels, words);
    const { outputs, profile } = await program.run(onProgress && { onProgress });
    const found = detectionsOf(outputs, picture, (i) => classes[i] ?? '', config);
    const tensors = Object.fromEntries(labels.map((label) => [label, outputs[label]!]));
    return { found: found.map(portable), tensors, runMs: profile.runMs };
  } catch (error) {
    if (error instanceof ShaderError) return { faults: error.faults };
    throw error;
  } finally {
    program?.destroy();
  }
}
