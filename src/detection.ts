// What was found, from what was read back.

import type { HostTensor } from './graph/program';
import { Mask } from './mask';
import type { Config } from './model/config';
import { COCO_KEYPOINTS } from './model/keypoints';
import { MASK_THRESHOLD } from './model/mask_rcnn';
import type { Size } from './model/transform';

/** A point of an object, such as a person's left wrist. */
export interface Keypoint {
  /** One of COCO_KEYPOINTS, or `keypoint` and its number where there are not 17. */
  name: string;
  /** In pixels of the picture, from its top left corner. */
  x: number;
  y: number;
  /** As the reference gives it: torchvision a logit, detectron2 a probability. */
  score: number;
}

/** One object that was found. */
export interface Detection {
  /** Its class's name. */
  label: string;
  /** Its class; 0 is the background and never found. */
  classIndex: number;
  /** Probability of the class, 0..1. */
  score: number;
  /** x1, y1, x2, y2 in pixels of the picture, from its top left corner. */
  box: [number, number, number, number];
  /** Absent where the checkpoint has no mask head. */
  mask?: Mask;
  /** Present where the checkpoint has a keypoint head, in the order of COCO_KEYPOINTS. */
  keypoints?: Keypoint[];
}

/** The detections, from what was read back. */
export function detectionsOf(
  outputs: Readonly<Record<string, HostTensor>>,
  { width, height }: Size,
  nameOf: (index: number) => string,
  { inclusiveBoxes: inclusive, maskPaste: paste }: Pick<Config, 'inclusiveBoxes' | 'maskPaste'>,
): Detection[] {
  const { boxes, scores, labels, count, probabilities, regions, bits, keypoints } = outputs as Record<
    string,
    HostTensor
  >;
  const side = probabilities?.shape[1] ?? 0;
  return Array.from({ length: count!.data[0]! }, (_, i) => {
    const classIndex = labels!.data[i]!;
    const own = [...boxes!.data.subarray(4 * i, 4 * i + 4)] as Detection['box'];
    const [x1, y1, x2, y2] = own;
    // where x2 and y2 are its last pixels, a box ends after them
    const box: Detection['box'] = inclusive
      ? [x1, y1, Math.min(x2 + 1, width), Math.min(y2 + 1, height)]
      : own;
    const detection: Detection = { label: nameOf(classIndex), classIndex, score: scores!.data[i]!, box };
    if (keypoints) detection.keypoints = keypointsOf(keypoints, i);
    if (!probabilities || !regions || !bits) return detection;
    detection.mask = new Mask({
      side,
      probabilities: (probabilities.data as Float32Array).slice(i * side * side, (i + 1) * side * side),
      box: own,
      imageWidth: width,
      imageHeight: height,
      paste,
      bits: packedBits(regions.data as Uint32Array, bits.data as Uint32Array, i),
    });
    return detection;
  });
}

/** Those of detection `i`, of [D, K, 3]. */
function keypointsOf({ shape, data }: HostTensor, i: number): Keypoint[] {
  const each = shape[1] as number;
  return Array.from({ length: each }, (_, k) => {
    const [x, y, score] = data.subarray(3 * (i * each + k)) as unknown as [number, number, number];
    const name = each === COCO_KEYPOINTS.length ? COCO_KEYPOINTS[k]! : `keypoint ${k}`;
    return { name, x, y, score };
  });
}

/** mask_regions' mark of a mask that found no room. */
const NO_ROOM = 0xffffffff;

function packedBits(regions: Uint32Array, bits: Uint32Array, i: number) {
  const [x0, y0, width, height, wordsPerRow, first] = regions.subarray(6 * i, 6 * i + 6) as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (first === NO_ROOM) return undefined;
  const words = bits.slice(first, first + wordsPerRow * height);
  return { threshold: MASK_THRESHOLD, x0, y0, width, height, wordsPerRow, words };
}
