// The mask head of a run: He et al. 2017, Mask R-CNN (arXiv:1703.06870), section 3: a mask for every class, and no
// competition among them.

import type { HostTensor } from '../../../src/index';
import { Mask } from '../../../src/mask';
import type { NodeInfo, RunInfo } from '../../engine/explore_run';
import { inputOf } from './pooling';
import { sigmoid } from './rpn';
import type { Slice } from './slices';

/** From the pooled regions to the logits, in the order in which they run. */
export function maskNodes({ nodes }: Pick<RunInfo, 'nodes'>): NodeInfo[] {
  return nodes.filter(
    ({ label, outputs }) =>
      /^roi_heads\.mask_(roi_pool|head|predictor)\b/.test(label) && outputs[0]?.shape.length === 4,
  );
}

/** The label of the logits [D, M, M, K]; undefined for a Faster R-CNN. */
export function maskLogits({ nodes }: Pick<RunInfo, 'nodes'>): string | undefined {
  const select = nodes.find(({ label }) => label === 'roi_heads.mask_select');
  return select && inputOf(select, 'logits');
}

/** The channel of the first class that has a mask: where the background has none, 1. */
export function firstMask({ nodes }: Pick<RunInfo, 'nodes'>): number {
  return nodes.find(({ label }) => label === 'roi_heads.mask_select')?.params.first ?? 0;
}

/** The label of the boxes that masks are pasted into, [D, 4] in pixels of the picture. */
export const PASTED_BOXES = 'scale_boxes';

/** Probabilities of one channel: logits [1, M, M, K] -> [M, M] */
export function classMask({ shape, data }: HostTensor, channel: number): Slice {
  const [, height, width, classes] = shape as [number, number, number, number];
  const at = (i: number) => sigmoid(data[i * classes + channel]!);
  return { data: Float32Array.from({ length: height * width }, (_, i) => at(i)), height, width };
}

/** A mask to paste into the picture. `box`: of the picture, [1, 4]. */
export function pasteable(
  { data, height: side }: Slice,
  box: HostTensor,
  { picture, config }: RunInfo,
): Mask {
  const { width, height } = picture;
  const { maskPaste: paste } = config;
  return new Mask({
    side,
    probabilities: data,
    box: box.data,
    imageWidth: width,
    imageHeight: height,
    paste,
  });
}

/** The cell of another map at the same place of a region. */
export function sameplace(
  cell: { y: number; x: number },
  from: { height: number; width: number },
  to: { height: number; width: number },
): { y: number; x: number } {
  const y = Math.floor(((cell.y + 0.5) / from.height) * to.height);
  return { y, x: Math.floor(((cell.x + 0.5) / from.width) * to.width) };
}
