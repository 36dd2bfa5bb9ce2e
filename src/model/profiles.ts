// The families of published checkpoints, as one table: how a family is recognised, what it calls its tensors, and the
// numbers and rules that its weights were trained with. The model reads them from its configuration and asks for no
// family. A new family is a row here, and a name map in src/weights/names.ts.

import {
  benchmarkNames,
  caffe2Names,
  detectron2Names,
  mmdetectionNames,
  type NameMap,
  torchvisionNames,
} from '../weights/names';
import type { Config } from './config';

export type Kind = 'faster' | 'mask' | 'keypoint';

export interface Profile {
  /** Which architectures are of this family. */
  architecture: RegExp;
  /** A tensor by which a file without `architecture` is recognised. */
  tensor: RegExp;
  names: NameMap;
  /** What a file of it is called that does not say. */
  called: (kind: Kind) => string;
  /** What differs from the row that it extends, in the end from torchvision's first. */
  config: Partial<Config>;
}

/** torchvision's maskrcnn_resnet50_fpn and its kin, and what holds for all families unless they say otherwise. */
export const DEFAULTS: Omit<Config, 'architecture'> = {
  bnEps: 1e-5,
  minSize: 800,
  maxSize: 1333,
  resize: 'float',
  scaleRule: 'float64',
  sizeDivisor: 32,
  colourOrder: 'rgb',
  colourRange: 1,
  imageMean: [0.485, 0.456, 0.406],
  imageStd: [0.229, 0.224, 0.225],
  strideIn1x1: false,
  anchorSizes: [[32], [64], [128], [256], [512]],
  anchorRatios: Array.from({ length: 5 }, () => [0.5, 1, 2]),
  anchorRounding: 'whole',
  clampBelow: false,
  inclusiveBoxes: false,
  rpnPreNmsTopN: 1000,
  rpnPostNmsTopN: 1000,
  rpnNmsThresh: 0.7,
  rpnScoreThresh: 0,
  rpnMinSize: 1e-3,
  nmsTrickLimit: 1000,
  roiBins: 7,
  roiPooling: 'align',
  roiSamples: 2,
  roiAligned: false,
  levelRule: 'torchvision',
  backgroundLast: false,
  boxScoreThresh: 0.05,
  boxNmsThresh: 0.5,
  boxDetectionsPerImg: 100,
  boxMinSize: 1e-2,
  dropEmptyBoxes: false,
  maskPaste: 'whole',
  keypointScore: 'logit',
};

/** Sides must be above 0: the smallest that is no subnormal number, which GPUs may take for 0. */
const ANY_SIZE = 2 ** -126;

const STRIDES = [4, 8, 16, 32, 64];

const MOBILENET: Partial<Config> = {
  anchorSizes: Array.from({ length: 3 }, () => [32, 64, 128, 256, 512]),
  anchorRatios: Array.from({ length: 3 }, () => [0.5, 1, 2]),
  rpnScoreThresh: 0.05,
};

/** mask_rcnn_R_50_FPN and R_101: Caffe's ResNets, whose first convolution has the pixels' deviations in it. */
const DETECTRON2: Partial<Config> = {
  resize: 'pillow',
  scaleRule: 'detectron2',
  colourOrder: 'bgr',
  colourRange: 255,
  imageMean: [103.53, 116.28, 123.675],
  imageStd: [1, 1, 1],
  bnVariance: 1, // early files lack the statistics
  strideIn1x1: true,
  anchorRounding: 'none',
  strides: STRIDES,
  rpnMinSize: ANY_SIZE,
  roiSamples: 0,
  roiAligned: true,
  levelRule: 'detectron2',
  backgroundLast: true,
  boxMinSize: 0,
  dropEmptyBoxes: true,
  maskPaste: 'centres',
  keypointScore: 'probability',
};

const DETECTRON2_GROUPED: Partial<Config> = {
  ...DETECTRON2,
  imageStd: [57.375, 57.12, 58.395],
  strideIn1x1: false,
};

/**
 * What detectron2 makes of files with Caffe2's names: the background is first, and norms are x * weight + bias (their
 * variance is left at what its layers begin with).
 */
const CAFFE2: Partial<Config> = { backgroundLast: false, bnVariance: 1 - 1e-5 };

const BENCHMARK: Partial<Config> = {
  bnEps: 0,
  resize: 'pillow',
  scaleRule: 'benchmark',
  colourOrder: 'bgr',
  colourRange: 255,
  imageMean: [102.9801, 115.9465, 122.7717],
  imageStd: [1, 1, 1],
  strideIn1x1: true,
  anchorRounding: 'legacy',
  strides: STRIDES,
  inclusiveBoxes: true,
  rpnMinSize: 0,
  nmsTrickLimit: 0,
  levelRule: 'benchmark',
  boxMinSize: 0,
};

const MMDETECTION: Partial<Config> = {
  resize: 'opencv',
  scaleRule: 'mmdetection',
  colourRange: 255,
  imageMean: [123.675, 116.28, 103.53],
  imageStd: [58.395, 57.12, 57.375],
  anchorRounding: 'none',
  strides: STRIDES,
  clampBelow: true,
  rpnMinSize: ANY_SIZE,
  nmsTrickLimit: 9999,
  roiSamples: 0,
  roiAligned: true,
  levelRule: 'mmdetection',
  backgroundLast: true,
  boxMinSize: 0,
  maskPaste: 'centres',
};

/** Of rows that fit the architecture, or of all where none does, the first whose tensor is there; else the last. */
export const PROFILES: readonly Profile[] = [
  {
    architecture: /^facebook\/maskrcnn2go$/,
    tensor: /^backbone\.stem\.weight$/,
    names: torchvisionNames,
    called: () => 'facebook/maskrcnn2go',
    config: {}, // what differs is in the file: it comes from Caffe2's graph
  },
  {
    architecture: /^torchvision\/fasterrcnn_mobilenet_v3_large_fpn$/,
    tensor: /^backbone\.body\.0\.0\.weight$/,
    names: torchvisionNames,
    called: () => 'torchvision/fasterrcnn_mobilenet_v3_large_fpn',
    config: MOBILENET,
  },
  {
    architecture: /^torchvision\/fasterrcnn_mobilenet_v3_large_320_fpn$/,
    tensor: /^backbone\.body\.0\.0\.weight$/,
    names: torchvisionNames,
    called: () => 'torchvision/fasterrcnn_mobilenet_v3_large_320_fpn',
    config: { ...MOBILENET, minSize: 320, maxSize: 640, rpnPreNmsTopN: 150, rpnPostNmsTopN: 150 },
  },
  {
    architecture: /^detectron2\/\w+_X_101_32x8d_FPN/,
    tensor: /^res\d_\d+_branch2b_w \[(\d+),(?!\1,)\d+,3,3\]$/, // in groups
    names: caffe2Names,
    called: (kind) => `detectron2/${kind}_rcnn_X_101_32x8d_FPN`,
    config: { ...DETECTRON2_GROUPED, ...CAFFE2 },
  },
  {
    architecture: /^detectron2\//,
    tensor: /^res2_0_branch2a_w$/,
    names: caffe2Names,
    called: (kind) => `detectron2/${kind}_rcnn_R_FPN`,
    config: { ...DETECTRON2, ...CAFFE2 },
  },
  {
    architecture: /^detectron2\/\w+_X_101_32x8d_FPN/,
    tensor: /^backbone\.bottom_up\.res\d\.\d+\.conv2\.weight \[(\d+),(?!\1,)\d+,3,3\]$/, // in groups
    names: detectron2Names,
    called: (kind) => `detectron2/${kind}_rcnn_X_101_32x8d_FPN`,
    config: DETECTRON2_GROUPED,
  },
  {
    architecture: /^detectron2\//,
    tensor: /^backbone\.bottom_up\./,
    names: detectron2Names,
    called: (kind) => `detectron2/${kind}_rcnn_R_FPN`,
    config: DETECTRON2,
  },
  {
    architecture: /^maskrcnn-benchmark\//,
    tensor: /^(module\.)?backbone\.body\.stem\./,
    names: benchmarkNames,
    called: (kind) => `maskrcnn-benchmark/${kind}_rcnn_R_FPN`,
    config: BENCHMARK,
  },
  {
    architecture: /^mmdetection\//,
    tensor: /^(rpn_head|neck|roi_head)\./,
    names: mmdetectionNames,
    called: (kind) => `mmdetection/${kind}_rcnn_r_fpn`,
    config: MMDETECTION,
  },
  {
    // the published files of the first models: their batch norms were folded with no eps
    architecture: /^torchvision\/\w+_resnet\w*_fpn$/,
    tensor: /^backbone\.fpn\.inner_blocks\.0\.weight$/,
    names: torchvisionNames,
    called: (kind) => `torchvision/${kind}rcnn_resnet_fpn`,
    config: { bnEps: 0 },
  },
  {
    // maskrcnn_resnet50_fpn_v2 too: its norms and further layers are in the file
    architecture: /^torchvision\//,
    tensor: /^backbone\.body\.conv1\.weight$/,
    names: torchvisionNames,
    called: (kind) => `torchvision/${kind}rcnn_resnet_fpn`,
    config: {},
  },
];

/** The row of an architecture, or of a file's tensors, as `name [shape]`, where no row has the architecture. */
export function profileOf(architecture: string | undefined, tensors: readonly string[]): Profile {
  const named = PROFILES.filter((row) => architecture !== undefined && row.architecture.test(architecture));
  const rows = named.length ? named : PROFILES;
  const fits = ({ tensor }: Profile) =>
    tensors.some((text) => tensor.test(text) || tensor.test(text.slice(0, text.indexOf(' '))));
  return rows.find(fits) ?? (rows.at(-1) as Profile);
}
