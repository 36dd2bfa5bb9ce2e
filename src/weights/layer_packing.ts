// What bringing a layer's weights to the GPU takes: the tensors it is made of, and the dispatch that packs them.

import { type LayerWeights, normVectors } from '../graph/graph';
import { type Dispatch, f32, u32 } from '../kernels/kernel';
import { packingKernel, rawBytes } from '../kernels/pack_weight';
import { companionsOf } from './quantised';

/** How many output channels a layer has. */
export function outputsOf({ transposed, shape }: LayerWeights['pack']): number {
  return transposed ? shape[1] : shape[0];
}

/** The dispatch that packs a layer's weight. */
export function packing({ pack, norm, scaled }: LayerWeights): Dispatch {
  const outputs = outputsOf(pack);
  const rows = pack.dtype === 'U8' ? 2 : 1;
  const scale =
    (norm && !scaled) || pack.dtype === 'I8' || pack.dtype === 'U8' ? f32(rows * outputs) : undefined;
  return packingKernel(pack).dispatch({ raw: u32(Math.ceil(rawBytes(pack) / 4)), scale }, pack);
}

/** Names of all tensors that a layer is made of. */
export function namesOf({ weight, bias, norm, affine, pack }: LayerWeights): string[] {
  const vectors = norm ? normVectors(norm, affine) : [];
  return [weight, ...companionsOf(weight, pack.dtype), ...(bias ? [bias] : []), ...vectors];
}
