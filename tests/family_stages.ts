// Runs what comes after the pyramid of a family's network, every stage over the reference's own inputs
// (scripts/golden_family_stages.py).

import type { Tensor } from '../src/graph/graph';
import type { HostTensor } from '../src/graph/program';
import { decodeKeypoints } from '../src/kernels/decode_keypoints';
import { type Loaded, type LoadOptions, loadParts } from '../src/load';
import { predictKeypoints } from '../src/model/keypoint_head';
import { pasteMasks, toPicture } from '../src/model/mask_rcnn';
import type { Boxes } from '../src/model/nms';
import { detectBoxes, poolRegions, predictMasks, selectDetections } from '../src/model/roi_heads';
import { proposeRegions } from '../src/model/rpn';
import type { Size } from '../src/model/transform';
import { type Golden, readGolden } from './golden_file';
import { testDevice } from './gpu';
import { channelsLast, Stage } from './stage';
import { listedWeights } from './synthetic_weights';

export type Outputs = Record<string, HostTensor>;

interface Given {
  stage: Stage;
  model: Loaded;
  golden: Golden;
  pyramid: Tensor[];
  /** The levels that regions are pooled from. */
  pooled: Tensor[];
  detections: Boxes;
}

/** A family's network, with the sizes and thresholds of its stages. */
export async function loadFamily(name: string, stages: Golden): Promise<Loaded> {
  const family = readGolden(`family_${name}`);
  const { architecture } = family.metadata;
  const options: LoadOptions = {
    ...JSON.parse(family.metadata.options!),
    ...JSON.parse(stages.metadata.options!),
  };
  const file = listedWeights(family, architecture ? { architecture } : {});
  return loadParts(new Blob([file]), { device: await testDevice(), tuning: null, ...options });
}

/** Every stage over its own inputs, in one submit. What comes out has the golden file's names. */
export function runStages(model: Loaded, golden: Golden): Promise<Outputs> {
  const stage = new Stage(model);
  const pyramid = stage.pyramid(levelsOf(golden));
  const detections = stage.boxes(golden.floats('detections/boxes'), golden.tensor('detections/labels').data);
  const given: Given = { stage, model, golden, pyramid, pooled: pyramid.slice(0, -1), detections };
  return stage.run({
    ...regionProposals(given),
    ...boxHead(given),
    ...(golden.has('pasted/masks') && maskHead(given)),
    ...(golden.has('keypoints') && keypointHead(given)),
  });
}

function regionProposals({ stage, model, golden, pyramid }: Given): Record<string, Tensor> {
  const [resized, canvas] = [sizeOf(golden, 'resized'), sizeOf(golden, 'canvas')];
  const found = proposeRegions(stage.g.scope('rpn'), pyramid, resized, canvas, model.config);
  const maps = pyramid.flatMap((_, level) =>
    ['cls_logits', 'bbox_pred'].map((map) => `rpn.head.${map}@p${level + 2}`),
  );
  return {
    ...prefixed('proposals', found),
    ...Object.fromEntries(maps.map((label) => [label, stage.graph.find(label)])),
  };
}

function boxHead({ stage, model: { config }, golden, pooled, detections }: Given): Record<string, Tensor> {
  const heads = stage.g.scope('roi_heads');
  const [resized, picture] = [sizeOf(golden, 'resized'), sizeOf(golden, 'picture')];
  const probes = stage.boxes(golden.floats('probes/boxes'));
  const regions = stage.boxes(golden.floats('regions'));
  detectBoxes(heads, pooled, regions, resized, config);
  const logits = stage.give('class_logits', golden.floats('class_logits'));
  const regression = stage.give('box_regression', golden.floats('box_regression'));
  const found = selectDetections(heads, logits, regression, regions, { ...resized, scale: 1 }, config);
  return {
    ...prefixed('detections', found),
    'probes/pooled': poolRegions(heads, 'probes', pooled, probes, resized, config.roiBins, config),
    box_pooled: stage.graph.find('roi_heads.box_roi_pool'),
    box_hidden: stage.graph.find(`roi_heads.box_head.${heads.has('box_head.fc7') ? 'fc7' : '5'}`),
    class_logits: stage.graph.find('roi_heads.box_predictor.cls_score'),
    box_regression: stage.graph.find('roi_heads.box_predictor.bbox_pred'),
    'final/boxes': toPicture(stage.graph, detections, resized, picture, config.dropEmptyBoxes),
  };
}

function maskHead({ stage, model: { config }, golden, pooled, detections }: Given): Record<string, Tensor> {
  const heads = stage.g.scope('roi_heads');
  const probabilities = predictMasks(heads, pooled, detections, sizeOf(golden, 'resized'), config);
  const masks = stage.give('masks', golden.floats('pasted/masks'));
  const { boxes, count } = stage.boxes(golden.floats('final/boxes'));
  return {
    region_pooled: stage.graph.find('roi_heads.mask_roi_pool'),
    mask_logits: stage.graph.find('roi_heads.mask_predictor.mask_fcn_logits'),
    mask_probabilities: probabilities,
    ...pasteMasks(stage.graph, masks, boxes, count, sizeOf(golden, 'picture'), config.maskPaste),
  };
}

function keypointHead({
  stage,
  model: { config },
  golden,
  pooled,
  detections,
}: Given): Record<string, Tensor> {
  const heads = stage.g.scope('roi_heads');
  const [resized, picture] = [sizeOf(golden, 'resized'), sizeOf(golden, 'picture')];
  const keypoints = predictKeypoints(heads, pooled, detections, resized, picture, config);
  const heatmaps = golden.floats('heatmaps/first');
  const first = heatmaps.shape[0]!;
  const given = stage.give('heatmaps', channelsLast(heatmaps));
  const boxes = golden.floats('detections/boxes').data.subarray(0, 4 * first);
  const own = stage.boxes({ shape: [first, 4], data: boxes });
  const { keypoints: decoded } = stage.graph.apply(
    'decoded',
    decodeKeypoints,
    { heatmaps: given, boxes: own.boxes, count: own.count },
    {
      xScale: picture.width / resized.width,
      yScale: picture.height / resized.height,
      score: config.keypointScore,
    },
    'keypoints',
  );
  return {
    region_pooled: stage.graph.find('roi_heads.keypoint_roi_pool'),
    heatmaps: stage.graph.find('roi_heads.keypoint_predictor.kps_score_lowres'),
    keypoints,
    decoded,
  };
}

/** The pyramid's maps [C, H, W], which the file holds as bytes: 128 is 0, one more a step. */
export function levelsOf(golden: Golden): { shape: number[]; data: Float32Array }[] {
  const levels = golden.names.filter((name) => /^p\d$/.test(name)).sort();
  return levels.map((level) => {
    const { shape, data } = golden.tensor(level);
    const step = golden.floats(`${level}/step`).data[0]!;
    return { shape, data: Float32Array.from(data, (byte) => (byte - 128) * step) };
  });
}

function sizeOf({ metadata }: Golden, what: 'picture' | 'resized' | 'canvas'): Size {
  const [height, width] = JSON.parse(metadata[what]!) as [number, number];
  return { height, width };
}

function prefixed(prefix: string, boxes: Boxes): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(boxes).map(([part, tensor]) => [`${prefix}/${part}`, tensor]));
}
