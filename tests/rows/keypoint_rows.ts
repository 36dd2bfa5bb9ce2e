// Rows of decode_keypoints: peaks of heatmaps.

import { decodeKeypoints } from '../../src/kernels/decode_keypoints';
import { indices, type KernelCase, kernelCase, random, tensor } from '../kernel_case';
import * as reference from '../reference/families';

const PERSONS = tensor(
  [4, 4],
  [...[100, 50, 150.5, 130.2], ...[3.25, 4.5, 3.5, 60], ...[10, 10, 320.7, 33.3], ...[-5, 0, 20, 20]],
);

function keypointRow(what: string, K: number, score: 'logit' | 'probability', count = 4): KernelCase {
  const { shape, data } = random([4, 28, 28, K], K);
  const heatmaps = tensor(
    shape as number[],
    data.map((x) => 3 * x),
  );
  const attributes = { xScale: 1.25, yScale: 0.8, score };
  return kernelCase({
    what,
    kernel: decodeKeypoints,
    inputs: { heatmaps, boxes: PERSONS, count: indices([1], [count]) },
    attributes,
    reference: () => ({ keypoints: reference.decodeKeypoints(heatmaps, PERSONS, count, attributes) }),
    tolerance: { atol: 2e-5, rtol: 1e-5 },
  });
}

export const keypointRows: KernelCase[] = [
  keypointRow('17 keypoints of four persons', 17, 'logit'),
  keypointRow('as probabilities, one person of four', 3, 'probability', 1),
  keypointRow('nobody', 2, 'logit', 0),
];
