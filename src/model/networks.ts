// Which network a checkpoint is for: a row for each architecture that is no ResNet-FPN.

import { ShaderError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Config } from './config';
import type { Checkpoint, Computing } from './layers';
import { maskRcnn, type Network } from './mask_rcnn';
import { maskRcnn2Go } from './maskrcnn2go';
import type { Size } from './transform';

type Build = (checkpoint: Checkpoint, config: Config, size: Size, computing?: Computing) => Network;

const NETWORKS: ReadonlyMap<string, Build> = new Map([['facebook/maskrcnn2go', maskRcnn2Go]]);

/** The whole network for pictures of `size`. Throws WeightError that names every tensor it lacks. */
export const buildNetwork: Build = (checkpoint, config, size, computing) =>
  (NETWORKS.get(config.architecture) ?? maskRcnn)(checkpoint, config, size, computing);

/** Throws ShaderError where a text is given for a kernel that does not run. */
export function checkShaders({ nodes }: Graph, { shaders = {} }: Computing): void {
  const names = new Set(nodes.map(({ kernel }) => kernel.name));
  const stray = Object.keys(shaders).find((name) => !names.has(name));
  if (stray === undefined) return;
  throw new ShaderError(
    `shaders: wanted texts for kernels that this picture's network runs, of ${[...names].join(', ')}; got '${stray}'`,
  );
}
