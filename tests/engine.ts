// Models and pictures for the tests of the whole engine.

import { fileURLToPath } from 'node:url';
import { fileSource } from '../src/file_source';
import type { LoadOptions } from '../src/load';
import { MaskRCNN } from '../src/mask_rcnn';
import { readImage } from '../src/node_image';
import { testDevice } from './gpu';
import { type Architecture, syntheticWeights } from './synthetic_weights';

const root = new URL('../', import.meta.url);

/** torchvision's R50-FPN with the weights that scripts/synthetic_weights.py makes too. */
export async function syntheticModel(
  architecture: Architecture,
  options: LoadOptions = {},
): Promise<MaskRCNN> {
  const device = await testDevice();
  return MaskRCNN.load(syntheticWeights(architecture), { device, ...options });
}

export async function nucleiModel(options: LoadOptions = {}): Promise<MaskRCNN> {
  const device = await testDevice();
  return MaskRCNN.load(fileSource(fileURLToPath(new URL('models/nuclei.safetensors', root))), {
    device,
    ...options,
  });
}

/** A picture of the repository, by its path from the top. */
export function picture(path: string) {
  return readImage(fileURLToPath(new URL(path, root)));
}
