// Which network a checkpoint is for. What only some of them are made of is fetched when one of those is loaded.

import { ShaderError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Config } from './config';
import type { Checkpoint, Computing } from './layers';
import { maskRcnn, type Network, type Parts } from './mask_rcnn';
import { resnet } from './resnet';
import type { Size } from './transform';

/** Records the whole network for pictures of `size`. Throws WeightError that names every tensor it lacks. */
export type BuildNetwork = (
  checkpoint: Checkpoint,
  config: Config,
  size: Size,
  computing?: Computing,
) => Network;

/** How networks of this checkpoint, or of one with fewer heads, are built. */
export async function networkBuilder(checkpoint: Checkpoint, config: Config): Promise<BuildNetwork> {
  if (config.architecture === 'facebook/maskrcnn2go') return (await import('./maskrcnn2go')).maskRcnn2Go;
  const [backbone, resizeBytes, predictKeypoints] = await Promise.all([
    holds(checkpoint, 'backbone.body.0.') ? import('./mobilenet_v3').then((m) => m.mobileNetV3) : resnet,
    config.resize !== 'float'
      ? import('./byte_resize').then((m) => m.BYTE_RESIZES[config.resize as 'pillow'])
      : undefined,
    holds(checkpoint, 'roi_heads.keypoint_predictor.')
      ? import('./keypoint_head').then((m) => m.predictKeypoints)
      : undefined,
  ]);
  const parts: Parts = { backbone, resizeBytes, predictKeypoints };
  return (...args) => maskRcnn(parts, ...args);
}

function holds(checkpoint: Checkpoint, prefix: string): boolean {
  return [...checkpoint.keys()].some((name) => name.startsWith(prefix));
}

/** Throws ShaderError where a text is given for a kernel that does not run. */
export function checkShaders({ nodes }: Graph, { shaders = {} }: Computing): void {
  const names = new Set(nodes.map(({ kernel }) => kernel.name));
  const stray = Object.keys(shaders).find((name) => !names.has(name));
  if (stray === undefined) return;
  throw new ShaderError(
    `shaders: wanted texts for kernels that this picture's network runs, of ${[...names].join(', ')}; got '${stray}'`,
  );
}
