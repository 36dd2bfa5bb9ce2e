// What is run where the address does not say: the model as it is, on a GPU. A processor that plays one takes far longer;
// there the picture is small, and proposals and objects are few, unless the visitor asks for more.

import { traitsOf } from '../../src/kernels/methods';

export interface Extent {
  /** The resized picture's short side; undefined: the model's own. */
  readonly side: number | undefined;
  /** Proposals that are handed to the box head, at most; undefined: the model's own. */
  readonly proposals: number | undefined;
  /** Objects that are handed to the mask head, at most; undefined: the model's own. */
  readonly objects: number | undefined;
}

const AS_IT_IS: Extent = { side: undefined, proposals: undefined, objects: undefined };
const QUICK: Extent = { side: 192, proposals: 300, objects: 50 };

export async function defaultExtent(): Promise<Extent> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return AS_IT_IS; // the run will say why
  const { features, info } = adapter;
  return traitsOf({ features, adapterInfo: info }).software ? QUICK : AS_IT_IS;
}
