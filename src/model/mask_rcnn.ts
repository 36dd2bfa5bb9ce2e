// Mask R-CNN, He et al. 2017 (arXiv:1703.06870), inference, on a ResNet-FPN; Faster R-CNN where the checkpoint
// has no mask head.
//
//   pixels ── preprocess ── resnet ── c2..c5 ── fpn ── p2..p6 ── rpn ── proposals
//                                                │                         │
//                                                ├── p2..p5 ── roi_align 7x7 ── box head ── boxes, classes, scores
//                                                │                                             │
//                                                └── p2..p5 ────────────── roi_align 14x14 ── mask head ── masks
//
// Each scope is a prefix of the checkpoint's names, so a node's label is its weight's name.

import { Graph, type Tensor } from '../graph/graph';
import { maskRegions } from '../kernels/mask_regions';
import { pasteMaskBits } from '../kernels/paste_mask_bits';
import type { PasteRule } from '../kernels/paste_rule';
import { scaleBoxes } from '../kernels/scale_boxes';
import type { Config } from './config';
import { fpn } from './fpn';
import { type ResizeBytes, transform } from './image_input';
import type { predictKeypoints } from './keypoint_head';
import { type Checkpoint, type Computing, Layers, PLAIN } from './layers';
import type { Boxes } from './nms';
import type { Kind } from './profiles';
import { detectBoxes, predictMasks } from './roi_heads';
import { proposeRegions } from './rpn';
import { canvasSize, resizedSize, type Size } from './transform';

/** A mask is set where its probability, pasted into the picture, is above it. */
export const MASK_THRESHOLD = 0.5;

/** Words for the bits of all masks of a picture, at most: 4 MiB. Masks beyond it are pasted on the host. */
const MAX_MASK_WORDS = 1 << 20;

/** A network for pictures of one size: what to run, what to fill in, and what comes out. */
export interface Network {
  readonly graph: Graph;
  /** u32 [H, W]: RGBA bytes, R lowest. */
  readonly pixels: Tensor;
  /** What `detect` reads back; see `Detections`. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly resized: Size;
}

/** What is not the same in all of them (networks.ts). */
export interface Parts {
  readonly backbone: (body: Layers, image: Tensor, config: Config) => Tensor[];
  readonly resizeBytes: ResizeBytes | undefined;
  readonly predictKeypoints: typeof predictKeypoints | undefined;
}

/** The whole network for pictures of `size`. Throws WeightError that names every tensor it lacks. */
export function maskRcnn(
  parts: Parts,
  checkpoint: Checkpoint,
  config: Config,
  size: Size,
  computing: Computing = PLAIN,
): Network {
  const g = new Layers(new Graph(computing.shaders), checkpoint, computing, config.bnVariance !== undefined);
  try {
    return build(g, parts, hasMasks(checkpoint), config, size);
  } finally {
    g.complete(); // what is missing comes before what failed for that reason
  }
}

function build(g: Layers, parts: Parts, masks: boolean, config: Config, size: Size): Network {
  const { graph } = g;
  const resized = resizedSize(size.height, size.width, config.minSize, config.maxSize, config.scaleRule);
  const canvas = canvasSize(resized.height, resized.width, config.sizeDivisor);

  const { pixels, image } = transform(graph, size, resized, canvas, config, parts.resizeBytes);
  const stages = parts.backbone(g.scope('backbone.body'), image, config); //       c2 .. c5
  const pyramid = fpn(g.scope('backbone.fpn'), stages); //                         p2 .. p6
  const pooledLevels = pyramid.slice(0, -1); //                                    p2 .. p5
  const proposals = proposeRegions(g.scope('rpn'), pyramid, resized, canvas, config);
  const heads = g.scope('roi_heads');
  const detections = detectBoxes(heads, pooledLevels, proposals, resized, config);
  const imageBoxes = toPicture(graph, detections, resized, size, config.dropEmptyBoxes);
  const { scores, labels, count } = detections;
  const found = { boxes: imageBoxes, scores, labels, count };
  const outputs: Record<string, Tensor> = found;
  if (masks) {
    const probabilities = predictMasks(heads, pooledLevels, detections, resized, config);
    const bits = pasteMasks(graph, probabilities, imageBoxes, count, size, config.maskPaste);
    Object.assign(outputs, { probabilities, ...bits });
  }
  if (parts.predictKeypoints) {
    outputs.keypoints = parts.predictKeypoints(heads, pooledLevels, detections, resized, size, config);
  }
  return { graph, pixels, outputs, resized };
}

/** What a checkpoint finds: boxes only, or masks or keypoints too. */
export function kindOf(checkpoint: Pick<Checkpoint, 'has'>): Kind {
  if (checkpoint.has('roi_heads.keypoint_predictor.kps_score_lowres.weight')) return 'keypoint';
  return checkpoint.has('roi_heads.mask_predictor.mask_fcn_logits.weight') ? 'mask' : 'faster';
}

export function hasMasks(checkpoint: Checkpoint): boolean {
  return checkpoint.has('roi_heads.mask_predictor.mask_fcn_logits.weight');
}

/** The Faster R-CNN in a Mask R-CNN: all but its mask head. */
export function withoutMasks(checkpoint: Checkpoint): Checkpoint {
  return new Map([...checkpoint].filter(([name]) => !name.startsWith('roi_heads.mask_')));
}

/** Levels of the pyramid that the RPN sees: a lateral each, and the subsampled one. */
export function pyramidLevels(checkpoint: Checkpoint): number {
  let laterals = 0;
  while (checkpoint.has(`backbone.fpn.inner_blocks.${laterals}.0.weight`)) laterals++;
  return laterals + 1;
}

/** Boxes from resized to picture pixels. */
export function toPicture(
  graph: Graph,
  { boxes, count }: Boxes,
  resized: Size,
  size: Size,
  clip = false,
): Tensor {
  const attributes = { ...size, resizedHeight: resized.height, resizedWidth: resized.width, clip };
  return graph.apply('scale_boxes', scaleBoxes, { boxes, count }, attributes, 'image_boxes').image_boxes;
}

/** The masks as bits, each in the rectangle of the picture that its box covers. */
export function pasteMasks(
  graph: Graph,
  probabilities: Tensor,
  imageBoxes: Tensor,
  count: Tensor,
  size: Size,
  paste: PasteRule = 'whole',
): { regions: Tensor; bits: Tensor } {
  const [detections, side] = probabilities.shape as [number, number, number];
  const capacity = Math.min(detections * size.height * Math.ceil(size.width / 32), MAX_MASK_WORDS);
  const { regions } = graph.apply(
    'mask_regions',
    maskRegions,
    { image_boxes: imageBoxes, count },
    { ...size, side, capacity, paste },
    'regions',
    'used',
  );
  const { bits } = graph.apply(
    'paste_mask_bits',
    pasteMaskBits,
    { probabilities, image_boxes: imageBoxes, regions },
    { threshold: MASK_THRESHOLD, capacity, paste },
    'bits',
  );
  return { regions, bits };
}
