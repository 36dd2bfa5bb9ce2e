// The heads that look at regions: classes and boxes of the proposals (Girshick 2015, Fast R-CNN,
// arXiv:1504.08083, on a pyramid as in FPN section 4.2), then the masks of the detections (He et al. 2017,
// Mask R-CNN, arXiv:1703.06870, figure 4, right).

import { WeightError } from '../errors';
import type { Tensor } from '../graph/graph';
import { maskSelect } from '../kernels/mask_select';
import { padTo4 } from '../kernels/quads';
import { softmax } from '../kernels/softmax';
import { sortCandidates } from '../kernels/sort_candidates';
import type { Config } from './config';
import type { Layers } from './layers';
import { inferScales, LEVELLINGS, levelCuts } from './levels';
import { type Boxes, suppress } from './nms';
import { poolMaps } from './pool_maps';
import type { Size } from './transform';

/** Bins a side of what the mask head sees. */
const MASK_BINS = 14;

/** p2 .. p5, proposals [R, 4] -> detections, each with its class as label, best first. */
export function detectBoxes(
  heads: Layers,
  pyramid: readonly Tensor[],
  proposals: Boxes,
  resized: Size,
  config: Config,
): Boxes {
  const { count } = proposals;
  const bins = boxBins(heads, pyramid);
  const pooled = poolRegions(heads, 'box_roi_pool', pyramid, proposals, resized, bins, config);
  const features = boxHead(heads.scope('box_head'), pooled, count);
  const predictor = heads.scope('box_predictor');
  const logits = predictor.linear('cls_score', features, { count, exact: true });
  const regression = predictor.linear('bbox_pred', features, { count, exact: true });
  return selectDetections(heads, logits, regression, proposals, { ...resized, scale: 1 }, config);
}

/**
 * logits [R, K], regression [R, 4K] of the proposals -> detections. Boxes are decoded in an image of height x width,
 * of whose pixels the resized image has `scale` each.
 */
export function selectDetections(
  heads: Layers,
  logits: Tensor,
  regression: Tensor,
  proposals: Boxes,
  image: Size & { scale: number },
  config: Config,
): Boxes {
  const { count } = proposals;
  const softmaxed = heads.graph.apply(
    heads.label('softmax'),
    softmax,
    { input: logits, count },
    {},
    'output',
  );
  const { boxes, candidates } = heads.graph.apply(
    heads.label('sort_candidates'),
    sortCandidates,
    { scores: softmaxed.output, regression, proposals: proposals.boxes, count },
    {
      ...image,
      minSize: config.boxMinSize,
      scoreThreshold: config.boxScoreThresh,
      backgroundLast: config.backgroundLast,
      clampBelow: config.clampBelow,
      inclusive: config.inclusiveBoxes,
    },
    'boxes',
    'candidates',
  );
  return suppress(
    heads.graph,
    heads.prefix,
    { boxes, scores: candidates },
    {
      threshold: config.boxNmsThresh,
      limit: config.boxDetectionsPerImg,
      firstGroup: 1,
      trickLimit: config.nmsTrickLimit,
      inclusive: config.inclusiveBoxes,
      dropEmpty: config.dropEmptyBoxes,
      activation: 'none',
    },
  );
}

/** Bins a side of what the box head sees: 7 in the papers. Follows from the first fully connected layer. */
function boxBins(heads: Layers, pyramid: readonly Tensor[]): number {
  const head = heads.scope('box_head');
  const [first] = fullyConnected(head) as [string, ...string[]];
  const last = convolutions(head) - 1;
  const incoming = pyramid[0]?.shape[3] as number;
  const channels = last < 0 ? incoming : head.shape(`${last}.0.weight`, [incoming])[0]!;
  const inputs = head.shape(`${first}.weight`, [0, 49 * channels])[1] as number;
  // maps are stored in quads of channels: there may be fewer
  const square = (bins: number) =>
    inputs % bins ** 2 === 0 && padTo4(inputs / bins ** 2) === padTo4(channels);
  let bins = 1;
  while (!square(bins) && bins ** 2 <= inputs) bins++;
  if (!square(bins)) {
    throw new WeightError(
      `${head.label(first)} has ${inputs} inputs: not ${channels} channels of square bins`,
    );
  }
  return bins;
}

/**
 * The fully connected layers of a box head: fc6, fc7, …; in torchvision's v2 one, which stands after the convolutions
 * and a Flatten, which has no weights.
 */
function fullyConnected(head: Layers): string[] {
  const trunk = convolutions(head);
  if (trunk && !head.has('fc6')) return [`${trunk + 1}`];
  const names = ['fc6'];
  for (let n = 7; head.has(`fc${n}`) || (n === 7 && !trunk); n++) names.push(`fc${n}`);
  return names;
}

/** Convolutions at the start of a head: `0.0`, `1.0`, … */
function convolutions(head: Layers): number {
  let n = 0;
  while (head.has(`${n}.0`)) n++;
  return n;
}

/** Convolutions, if there are any, and fully connected layers. pooled [R, P, P, C] -> [R, F] */
function boxHead(head: Layers, pooled: Tensor, count: Tensor): Tensor {
  let x = convolve(head, pooled, count);
  for (const name of fullyConnected(head)) x = head.linear(name, x, { activation: 'relu', count });
  return x;
}

/** 3x3 convolutions with ReLU, as many as the checkpoint has. */
function convolve(head: Layers, input: Tensor, count: Tensor): Tensor {
  let x = input;
  for (let i = 0; i < convolutions(head); i++) {
    x = head.conv2d(`${i}.0`, x, { padding: 1, norm: `${i}.1`, activation: 'relu', count });
  }
  return x;
}

/** p2 .. p5, detections [D, 4] -> probabilities [D, 28, 28] of the detected class's mask. */
export function predictMasks(
  heads: Layers,
  pyramid: readonly Tensor[],
  detections: Boxes,
  resized: Size,
  config: Config,
): Tensor {
  const { count } = detections;
  const pooled = poolRegions(heads, 'mask_roi_pool', pyramid, detections, resized, MASK_BINS, config);
  const trunk = convolve(heads.scope('mask_head'), pooled, count);
  const predictor = heads.scope('mask_predictor');
  const upsampled = predictor.convTranspose2d('conv5_mask', trunk, { stride: 2, activation: 'relu', count });
  const logits = predictor.conv2d('mask_fcn_logits', upsampled, { count, exact: true });
  return selectMasks(heads, logits, detections);
}

/** The sigmoid of each detection's own class. logits [D, M, M, K] -> [D, M, M] */
export function selectMasks(heads: Layers, logits: Tensor, { labels, count }: Boxes): Tensor {
  const channels = logits.shape[3] as number;
  const classes = heads.shape('box_predictor.cls_score.weight', [channels])[0];
  const { probabilities } = heads.graph.apply(
    heads.label('mask_select'),
    maskSelect,
    { logits, labels, count },
    { first: channels === classes ? 0 : 1 }, // the background may have no mask
    'probabilities',
  );
  return probabilities;
}

/** From the level that fits each box. boxes [R, 4] -> [R, P, P, C] */
export function poolRegions(
  heads: Layers,
  name: string,
  pyramid: readonly Tensor[],
  boxes: Boxes,
  resized: Size,
  pooled: number,
  config: Config,
): Tensor {
  const { levelRule, strides, inclusiveBoxes: inclusive } = config;
  const heights = pyramid.map((map) => map.shape[1] as number);
  const all = strides ? heights.map((_, i) => 1 / strides[i]!) : inferScales(heights, resized.height);
  const cuts = levelCuts(-Math.log2(all[0]!), -Math.log2(all.at(-1)!), LEVELLINGS[levelRule]);
  const scales = all.slice(0, cuts.length + 1); // where levels share a stride, the first has all boxes
  // torchvision numbers levels from the finest on: where a stride is left out, the last number has no map, and is 0
  const own = cuts.slice(0, scales.length - 1);
  const one = heads.graph.wholeOf(pyramid);
  const maps = (one ? [one.whole] : pyramid.slice(0, scales.length)) as [Tensor, ...Tensor[]];
  const merged = one && scales.map((_, i) => ({ shape: pyramid[i]!.shape, offset: one.offsets[i]! }));
  const bins = { pooled, inclusive, scales, merged, cuts: own, end: cuts[own.length] };
  return poolMaps(heads, name, maps, boxes, bins, config);
}
