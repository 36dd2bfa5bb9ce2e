// From the box head's outputs to detections: torchvision's postprocess_detections, section by section.

import { type Box, boxAt, clipped, decode, type Image, type Numbers } from './boxes';
import { iou, shifted } from './nms';
import { isScore, sigmoid } from './selection';

export interface Detection {
  box: Box;
  score: number;
  label: number;
}

/** Beyond the last index: zeros. boxes [G, N, 4]. */
export function gatherDetections(
  indices: Numbers,
  top: Numbers,
  boxes: Numbers,
  capacity: number,
  { activation, firstGroup }: { activation: 'none' | 'sigmoid'; firstGroup: number },
) {
  const M = indices.length;
  const detections = new Float64Array(4 * M);
  const [scores, labels] = [new Float64Array(M), new Float64Array(M)];
  let count = 0;
  for (; count < M && isScore(top[count]!); count++) {
    const index = indices[count]!;
    detections.set(boxAt(boxes, index), 4 * count);
    scores[count] = activation === 'sigmoid' ? sigmoid(top[count]!) : top[count]!;
    labels[count] = firstGroup + Math.floor(index / capacity);
  }
  return { detections, scores, labels, count: [count] };
}

/** One list over all classes, flattened as (proposal, class); batched_nms by its two branches; the best. */
export function detect(
  { scores, regression, proposals }: Record<'scores' | 'regression' | 'proposals', Numbers>,
  K: number,
  count: number,
  image: Image,
  { threshold, trickLimit, most }: { threshold: number; trickLimit: number; most: number },
): Detection[] {
  const candidates: Detection[] = [];
  for (let row = 0; row < count; row++)
    for (let label = 1; label < K; label++) {
      const score = scores[row * K + label]!;
      if (!(score > Math.fround(image.scoreThreshold))) continue;
      const decoded = decode(boxAt(proposals, row), boxAt(regression, row * K + label), [10, 10, 5, 5]);
      const box = clipped(decoded, image);
      if (box) candidates.push({ box, score, label });
    }
  candidates.sort((a, b) => b.score - a.score);
  const trick = candidates.length <= trickLimit;
  const offset = Math.fround(Math.max(...candidates.flatMap(({ box }) => box)) + 1);
  const kept: { detection: Detection; box: Box }[] = [];
  for (const detection of candidates) {
    const { label } = detection;
    const box = trick ? shifted(detection.box, Math.fround(label * offset)) : detection.box;
    const rivals = trick ? kept : kept.filter((other) => other.detection.label === label);
    if (!rivals.some((other) => iou(other.box, box) > threshold)) kept.push({ detection, box });
  }
  return kept.slice(0, most).map(({ detection }) => detection);
}
