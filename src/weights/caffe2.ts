// MaskRCNN2Go as published: a Caffe2 graph (model.pb) and its int8 weights (model_init.pb) become float tensors with
// names and layouts like the other checkpoints', and metadata with all that the graph tells of the architecture.

import { WeightError } from '../errors';
import { type Argument, type Operator, readNet } from './caffe2_net';
import type { TensorData } from './write_safetensors';

export interface Caffe2Checkpoint {
  tensors: TensorData[];
  metadata: Record<string, string>;
}

/** Our scope of each part of the graph, by how the names of its inverted residuals begin. */
const PARTS: readonly [prefix: string, scope: string][] = [
  ['[rpn]', 'rpn.head'],
  ['_[bbox]_', 'roi_heads.box_head'],
  ['_[mask]_', 'roi_heads.mask_head'],
  ['', 'backbone'],
];

/** Layers of an inverted residual `xif3_1_pw_conv`: pointwise, depthwise, pointwise linear. */
const BLOCK = /^(xif\d+_\d+)_(pw|dw|pwl|bn_1x1)?_?conv$/;
const BLOCK_LAYERS: Readonly<Record<string, string>> = {
  pw: 'expand',
  dw: 'depthwise',
  pwl: 'project',
  '': 'project', // where input and output differ
};

/** All other layers. */
const LAYERS: Readonly<Record<string, string>> = {
  conv0_conv: 'backbone.stem',
  rpn_cls_logits: 'rpn.head.cls_logits',
  rpn_bbox_pred: 'rpn.head.bbox_pred',
  cls_score: 'roi_heads.box_predictor.cls_score',
  bbox_pred: 'roi_heads.box_predictor.bbox_pred',
  conv5_mask: 'roi_heads.mask_predictor.conv5_mask',
  mask_fcn_logits: 'roi_heads.mask_predictor.mask_fcn_logits',
  mask_fcn_logits_up: 'roi_heads.mask_predictor.upsample',
};

const WEIGHTED = ['Int8Conv', 'Int8ConvRelu', 'Int8ConvTranspose', 'Int8FC'];

/** The publisher's sizes, which the files do not hold. */
const SIZES = { min_size: 320, max_size: 640, scale_rule: 'detectron', size_divisor: 1 };

/**
 * `init`: the bytes of model_init.pb, `net`: of model.pb. `classes`: names by class index, 0 being the background,
 * which the files do not hold. Throws WeightError where they are malformed, cut off, or another network's.
 */
export function readCaffe2(init: Uint8Array, net: Uint8Array, classes?: readonly string[]): Caffe2Checkpoint {
  const fills = fillsOf(readNet(init, 'model_init.pb'));
  const graph = readNet(net, 'model.pb');
  const naming = new Naming();
  const tensors = graph
    .filter(({ type }) => WEIGHTED.includes(type))
    .flatMap((operator) => layerTensors(operator, naming.layer(operator), fills));
  return {
    tensors,
    metadata: {
      ...metadataOf(graph, fills, naming.strides),
      ...(classes && { classes: JSON.stringify(classes) }),
    },
  };
}

/** The operators that fill tensors, by the tensors' names. */
function fillsOf(operators: readonly Operator[]): ReadonlyMap<string, Operator> {
  const fills = new Map<string, Operator>();
  for (const operator of operators) {
    const [name] = operator.outputs;
    if (name === undefined || fills.has(name)) {
      const fault = name === undefined ? 'none' : `'${name}' again`;
      throw new WeightError(`model_init.pb: wanted one output of its own from each operator, got ${fault}`);
    }
    fills.set(name, operator);
  }
  return fills;
}

/** Numbers the blocks of each part in the graph's order, and notes their strides. */
class Naming {
  /** Of the blocks of each scope. */
  readonly strides: Record<string, number[]> = {};
  private readonly blocks = new Map<string, string>();

  /** Our name of the layer that an operator with weights is. */
  layer(operator: Operator): string {
    const weight = operator.inputs[1] ?? '';
    const name = weight.replace(/_w_int8$/, '');
    if (Object.hasOwn(LAYERS, name)) return LAYERS[name]!;
    const [prefix, scope] = PARTS.find(([start]) => name.startsWith(start))!;
    const [, block, layer = ''] = BLOCK.exec(name.slice(prefix.length)) ?? [];
    if (block === undefined) {
      throw new WeightError(`model.pb: wanted the layers of MaskRCNN2Go, got a weight '${weight}'`);
    }
    if (layer === 'bn_1x1') return `${scope}.conv`;
    const label = this.block(scope, block);
    if (layer === 'dw') this.strides[scope]!.push(requiredNumber(operator, 'stride'));
    return `${label}.${BLOCK_LAYERS[layer]}`;
  }

  private block(scope: string, name: string): string {
    const key = `${scope} ${name}`;
    const known = this.blocks.get(key);
    if (known) return known;
    this.strides[scope] ??= [];
    const label = `${scope}.blocks.${this.strides[scope].length}`;
    this.blocks.set(key, label);
    return label;
  }
}

function layerTensors(
  { inputs, type }: Operator,
  layer: string,
  fills: ReadonlyMap<string, Operator>,
): TensorData[] {
  const [weight, bias] = [filled(fills, inputs[1]), filled(fills, inputs[2])];
  const axes = type === 'Int8FC' ? 2 : 4;
  if (weight.shape.length !== axes || bias.shape.length !== 1) {
    const got = `[${weight.shape}] and [${bias.shape}]`;
    throw new WeightError(`${inputs[1]}: wanted a weight of ${axes} axes and a bias of one, got ${got}`);
  }
  return [
    { name: `${layer}.weight`, dtype: 'F32', ...(axes === 4 ? channelsSecond(weight) : weight) },
    { name: `${layer}.bias`, dtype: 'F32', ...bias },
  ];
}

interface Numbers {
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

/** What an operator of model_init.pb fills its tensor with, as floats. */
function filled(fills: ReadonlyMap<string, Operator>, name = ''): Numbers {
  const operator = fills.get(name);
  if (!operator) throw new WeightError(`model_init.pb: lacks '${name}', which model.pb needs`);
  const shape = operator.arguments.get('shape')?.ints ?? [];
  const values = valuesOf(operator, name);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!shape.every((extent) => extent > 0) || count !== values.length) {
    throw new WeightError(`${name}: wanted ${count} values for shape [${shape}], got ${values.length}`);
  }
  const isFloat = operator.type === 'GivenTensorFill';
  const scale = isFloat ? 1 : requiredNumber(operator, 'Y_scale');
  const zero = isFloat ? 0 : requiredNumber(operator, 'Y_zero_point');
  return { shape, data: Float32Array.from(values, (value) => (value - zero) * scale) };
}

function valuesOf({ type, arguments: given }: Operator, name: string): ArrayLike<number> {
  const values: Argument = given.get('values') ?? { floats: [], ints: [] };
  if (type === 'Int8GivenTensorFill') return values.bytes ?? [];
  if (type === 'Int8GivenIntTensorFill') return values.ints;
  if (type === 'GivenTensorFill') return values.floats;
  const known = 'GivenTensorFill, Int8GivenTensorFill or Int8GivenIntTensorFill';
  throw new WeightError(`${name}: wanted an operator ${known}, got '${type}'`);
}

// [O, Y, X, I] -> [O, I, Y, X]; of transposed convolutions [I, Y, X, O] -> [I, O, Y, X]
function channelsSecond({ shape, data }: Numbers): Numbers {
  const [first, height, width, last] = shape as [number, number, number, number];
  const taps = height * width;
  const moved = new Float32Array(data.length);
  for (let i = 0; i < first; i++)
    for (let tap = 0; tap < taps; tap++)
      for (let c = 0; c < last; c++) {
        moved[(i * last + c) * taps + tap] = data[(i * taps + tap) * last + c]!;
      }
  return { shape: [first, last, height, width], data: moved };
}

/** What our model needs to know besides the tensors; keys as in src/model/config.ts. */
function metadataOf(
  graph: readonly Operator[],
  fills: ReadonlyMap<string, Operator>,
  strides: Readonly<Record<string, number[]>>,
): Record<string, string> {
  const [propose, limit, align] = ['GenerateProposals', 'BoxWithNMSLimit', 'RoIAlign'].map((type) => {
    const found = graph.find((operator) => operator.type === type);
    if (!found) throw new WeightError(`model.pb: wanted the graph of MaskRCNN2Go, got one without ${type}`);
    return found;
  }) as [Operator, Operator, Operator];
  const { shape, data } = filled(fills, propose.inputs[3]);
  if (shape[1] !== 4) throw new WeightError(`${propose.inputs[3]}: wanted anchors [A, 4], got [${shape}]`);
  const anchors = Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]);
  const values = {
    architecture: 'facebook/maskrcnn2go',
    ...SIZES,
    colour_order: 'bgr',
    colour_range: 255,
    image_mean: [0, 0, 0],
    image_std: [1, 1, 1],
    cell_anchors: [anchors],
    block_strides: strides,
    inclusive_boxes: true,
    nms_trick_limit: 0,
    rpn_pre_nms_top_n: requiredNumber(propose, 'pre_nms_topN'),
    rpn_post_nms_top_n: requiredNumber(propose, 'post_nms_topN'),
    rpn_nms_thresh: requiredNumber(propose, 'nms_thresh'),
    rpn_min_size: requiredNumber(propose, 'min_size'),
    roi_bins: requiredNumber(align, 'pooled_h'),
    roi_samples: requiredNumber(align, 'sampling_ratio'),
    box_score_thresh: requiredNumber(limit, 'score_thresh'),
    box_nms_thresh: requiredNumber(limit, 'nms'),
    box_detections_per_img: requiredNumber(limit, 'detections_per_im'),
    box_min_size: 0,
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function requiredNumber({ type, outputs, arguments: given }: Operator, name: string): number {
  const value = given.get(name)?.number;
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new WeightError(`${outputs[0] ?? type}: wanted a number as argument ${name} of ${type}, got none`);
}
