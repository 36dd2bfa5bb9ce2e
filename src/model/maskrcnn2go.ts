// MaskRCNN2Go: Mask R-CNN for phones (Facebook Mobile Vision 2018, github.com/facebookarchive/models), inference.
// Trunk and heads are inverted residuals; there is one map, of stride 16, and no pyramid.
//
//   pixels ── preprocess ── trunk ── map ── rpn: blocks ── proposals
//                                     │                       │
//                                     ├── roi_align 6x6 ── blocks, 1x1, mean ── boxes, classes, scores
//                                     │                                            │
//                                     └── roi_align 6x6 ── blocks, two transposed convolutions ── masks 24x24
//
// Numbers follow Caffe2's operators: boxes are inclusive, those of the box head are decoded in the picture's
// pixels, and suppressed in resized ones.

import { WeightError } from '../errors';
import { Graph, type Tensor } from '../graph/graph';
import { avgPool2d } from '../kernels/avg_pool2d';
import type { Config } from './config';
import { transform } from './image_input';
import { type Checkpoint, type Computing, Layers, PLAIN } from './layers';
import { hasMasks, type Network, pasteMasks, toPicture } from './mask_rcnn';
import type { Boxes } from './nms';
import { poolMaps } from './pool_maps';
import { selectDetections, selectMasks } from './roi_heads';
import { type AnchorTables, selectProposals } from './rpn';
import { canvasSize, detectronScale, resizedSize, type Size } from './transform';

/** Stride of the first convolution. */
const STEM_STRIDE = 2;

/** The whole network for pictures of `size`. Throws WeightError that names every tensor it lacks. */
export function maskRcnn2Go(
  checkpoint: Checkpoint,
  config: Config,
  size: Size,
  computing: Computing = PLAIN,
): Network {
  const g = new Layers(new Graph(computing.shaders), checkpoint, computing);
  try {
    return build(g, hasMasks(checkpoint), config, size);
  } finally {
    g.complete(); // what is missing comes before what failed for that reason
  }
}

function build(g: Layers, masks: boolean, config: Config, size: Size): Network {
  const { graph } = g;
  const { height, width } = size;
  const resized = resizedSize(height, width, config.minSize, config.maxSize, config.scaleRule);
  const canvas = canvasSize(resized.height, resized.width, config.sizeDivisor);
  // as it is before the sides are rounded: boxes are scaled by it on both axes
  const scale = detectronScale(height, width, config.minSize, config.maxSize);

  const { pixels, image } = transform(graph, size, resized, canvas, config);
  const map = trunk(g.scope('backbone'), image, config);
  const stride = strideOf(config);
  const proposals = proposeRegions(g.scope('rpn'), map, stride, resized, config);
  const heads = g.scope('roi_heads');
  const detections = detectBoxes(heads, map, stride, proposals, resized, scale, config);
  const unrounded = { height: height * scale, width: width * scale };
  const imageBoxes = toPicture(graph, detections, unrounded, size);
  const { scores, labels, count } = detections;
  const found = { boxes: imageBoxes, scores, labels, count };
  if (!masks) return { graph, pixels, outputs: found, resized };

  const probabilities = predictMasks(heads, map, stride, detections, config);
  const bits = pasteMasks(graph, probabilities, imageBoxes, count, size);
  return { graph, pixels, outputs: { ...found, probabilities, ...bits }, resized };
}

/** image [1, H, W, 4] -> [1, H/16, W/16, C] */
function trunk(g: Layers, image: Tensor, config: Config): Tensor {
  const stem = g.conv2d('stem', image, { stride: STEM_STRIDE, padding: 1, activation: 'relu' });
  return blocks(g, stem, config);
}

/** Image pixels from a cell of the map to the next. */
function strideOf({ blockStrides }: Config): number {
  return (blockStrides?.backbone ?? []).reduce((product, stride) => product * stride, STEM_STRIDE);
}

/** The inverted residuals `blocks.0`, `blocks.1`, … */
function blocks(g: Layers, input: Tensor, config: Config, count?: Tensor): Tensor {
  const strides = config.blockStrides?.[g.prefix] ?? [];
  let x = input;
  for (let i = 0; g.has(`blocks.${i}`); i++) {
    x = invertedResidual(g.scope(`blocks.${i}`), x, strides[i] ?? 1, count);
  }
  return x;
}

/** Sandler et al. 2018, MobileNetV2 (arXiv:1801.04381), figure 3d; but there is no ReLU after the 3x3. */
function invertedResidual(g: Layers, x: Tensor, stride: number, count?: Tensor): Tensor {
  const wide = g.conv2d('expand', x, { activation: 'relu', count }); // 1x1
  const filtered = g.conv2d('depthwise', wide, { stride, padding: 1, count }); // 3x3, each channel by itself
  const channels = g.shape('project.weight', [x.shape[3]!, wide.shape[3]!, 1, 1])[0];
  const add = stride === 1 && channels === x.shape[3] ? x : undefined;
  return g.conv2d('project', filtered, { add, count }); // 1x1, linear
}

/** map [1, h, w, C] -> proposals [R, 4] in resized pixels, best first. */
function proposeRegions(rpn: Layers, map: Tensor, stride: number, resized: Size, config: Config): Boxes {
  const head = rpn.scope('head');
  const features = blocks(head, map, config);
  const objectness = head.conv2d('cls_logits', features, { exact: true });
  const deltas = head.conv2d('bbox_pred', features, { exact: true });
  const tables = ([first]: readonly number[]) => anchorTables(rpn, objectness, first! / 4, stride, config);
  return selectProposals(rpn, [{ objectness, deltas }], tables, resized, config);
}

/** The cell's anchors, which the checkpoint gives as they are. */
function anchorTables(
  rpn: Layers,
  objectness: Tensor,
  first: number,
  stride: number,
  config: Config,
): AnchorTables {
  const [, , width, anchors] = objectness.shape as [number, number, number, number];
  const cell = config.cellAnchors?.[0] ?? [];
  if (cell.length !== anchors) {
    throw new WeightError(
      `cellAnchors: wanted ${anchors} anchors, one for each output of ${rpn.label('head.cls_logits')}; got ` +
        `${cell.length}. Give cell_anchors in the file's metadata, or cellAnchors to load`,
    );
  }
  const g = rpn.graph;
  return {
    levels: g.constant(rpn.label('levels'), [1, 4], Uint32Array.of(first, width, stride, stride)),
    cells: g.constant(rpn.label('cells'), [1, anchors, 4], Float32Array.from(cell.flat())),
  };
}

/** map, proposals [R, 4] -> detections in resized pixels, each with its class as label, best first. */
function detectBoxes(
  heads: Layers,
  map: Tensor,
  stride: number,
  proposals: Boxes,
  resized: Size,
  scale: number,
  config: Config,
): Boxes {
  const { count } = proposals;
  const pooled = pool(heads, 'box_roi_pool', map, stride, proposals, config);
  const head = heads.scope('box_head');
  const features = head.conv2d('conv', blocks(head, pooled, config, count), { activation: 'relu', count });
  const [, height, width] = features.shape as [number, number, number, number];
  const { output: mean } = heads.graph.apply(
    head.label('avg_pool'),
    avgPool2d,
    { input: features, count },
    { window: [height, width] },
    'output',
  );
  const predictor = heads.scope('box_predictor');
  const logits = predictor.linear('cls_score', mean, { count, exact: true });
  const regression = predictor.linear('bbox_pred', mean, { count, exact: true });
  // Caffe2's BBoxTransform: the picture's size, found back from the resized one, may be a pixel larger
  const back = (side: number): number => Math.floor(side / scale + 0.5);
  const image = { height: back(resized.height), width: back(resized.width), scale };
  return selectDetections(heads, logits, regression, proposals, image, config);
}

/** map, detections [D, 4] -> probabilities [D, 24, 24] of the detected class's mask. */
function predictMasks(heads: Layers, map: Tensor, stride: number, detections: Boxes, config: Config): Tensor {
  const { count } = detections;
  const pooled = pool(heads, 'mask_roi_pool', map, stride, detections, config);
  const features = blocks(heads.scope('mask_head'), pooled, config, count);
  const predictor = heads.scope('mask_predictor');
  const twice = predictor.convTranspose2d('conv5_mask', features, { stride: 2, activation: 'relu', count });
  const small = predictor.conv2d('mask_fcn_logits', twice, { count, exact: true });
  const logits = predictor.convTranspose2d('upsample', small, { stride: 2, padding: 1, count, exact: true });
  return selectMasks(heads, logits, detections);
}

/** From the one map. boxes [R, 4] -> [R, P, P, C] */
function pool(
  heads: Layers,
  name: string,
  map: Tensor,
  stride: number,
  boxes: Boxes,
  config: Config,
): Tensor {
  const bins = { pooled: config.roiBins, scales: [1 / stride], cuts: [] };
  return poolMaps(heads, name, [map], boxes, bins, config);
}
