// The numbers and rules of the network that are not in its weights: those of its family (profiles.ts), what the
// checkpoint's metadata says, and what the caller of `load` says, the later over the earlier.

import { WeightError } from '../errors';
import type { PasteRule } from '../kernels/paste_rule';
import type { AnchorRounding } from './anchors';
import { validate } from './config_rules';
import type { LevelRule } from './levels';
import { DEFAULTS } from './profiles';
import type { ResizeRule } from './resample';
import type { ScaleRule } from './transform';

export interface Config {
  /** For example `torchvision/maskrcnn_resnet50_fpn`. */
  architecture: string;
  /** Added to a batch norm's variance. */
  bnEps: number;
  /** Of norms of which a file has only weight and bias, no statistics: the mean is 0 then. Absent: no file may. */
  bnVariance?: number | undefined;
  /** Names by class index; 0 is the background. */
  classes?: string[] | undefined;
  /** The picture's short side after resizing, in pixels, unless the long one would pass `maxSize`. */
  minSize: number;
  maxSize: number;
  /** What is resized, floats or bytes, and how. */
  resize: ResizeRule;
  /** How the sides of the resized picture are rounded. */
  scaleRule: ScaleRule;
  /** The resized picture is padded to sides that it divides. */
  sizeDivisor: number;
  /** Channels in the order that the first convolution takes them. */
  colourOrder: 'rgb' | 'bgr';
  /** What a full channel counts: 1 or 255. */
  colourRange: number;
  /** Of the channels, in `colourOrder`, in units of `colourRange`. */
  imageMean: number[];
  imageStd: number[];
  /** Whether a bottleneck's stride sits in its first 1x1, as in Caffe's ResNets, and not in its 3x3. */
  strideIn1x1: boolean;
  /** Sides of the square anchors of each pyramid level, in resized pixels. */
  anchorSizes: number[][];
  /** Height / width of the anchors of each level. */
  anchorRatios: number[][];
  /** How the anchors' corners are rounded. */
  anchorRounding: AnchorRounding;
  /** Image pixels from a cell of each level to the next. Absent: found from maps and picture, as torchvision does. */
  strides?: number[] | undefined;
  /** Instead of sizes and ratios: the anchors of a cell of each level, x1 y1 x2 y2 around its corner. */
  cellAnchors?: number[][][] | undefined;
  /** Strides of the inverted residuals of trunk and heads, by their scope. */
  blockStrides?: Record<string, number[]> | undefined;
  /** Whether boxes shrink at most as much as they may grow, 62.5 times. */
  clampBelow: boolean;
  /** Whether x2 and y2 are the last pixels of a box: then its width is x2 - x1 + 1. */
  inclusiveBoxes: boolean;
  /** Anchors that each level hands to its non-maximum suppression. */
  rpnPreNmsTopN: number;
  /** Proposals of all levels together. */
  rpnPostNmsTopN: number;
  rpnNmsThresh: number;
  rpnScoreThresh: number;
  /** Proposals have both sides at least so long, in resized pixels. */
  rpnMinSize: number;
  /** Non-maximum suppression shifts groups apart up to this many boxes, and goes group by group above. */
  nmsTrickLimit: number;
  /** Bins a side of what the heads see of a region, where the checkpoint does not tell. */
  roiBins: number;
  /** How regions become bins. align: ROIAlign, means of samples. pool: Fast R-CNN's ROI Pool, maxima of rounded bins. */
  roiPooling: 'align' | 'pool';
  /** ROIAlign's sample points a side of each bin; 0: as many as it spans feature pixels. */
  roiSamples: number;
  /** Whether half a feature pixel is taken off a region's corners, and it may be smaller than one. */
  roiAligned: boolean;
  /** How a region's level is rounded. */
  levelRule: LevelRule;
  /** Whether the background is the last class of the scores, and not the first; it has no boxes and masks then. */
  backgroundLast: boolean;
  /** Detections have a score above it. */
  boxScoreThresh: number;
  boxNmsThresh: number;
  boxDetectionsPerImg: number;
  /** Detections have both sides at least so long, in resized pixels. */
  boxMinSize: number;
  /** Whether detections end with the picture, and those without width or height are left out at last. */
  dropEmptyBoxes: boolean;
  /** How masks are pasted into the picture. */
  maskPaste: PasteRule;
  /** Of a keypoint: the heatmap at its peak, or its softmax over the heatmap. */
  keypointScore: 'logit' | 'probability';
}

/** What `load` may override; names and units as in `Config`. `architecture` decides which family's numbers hold. */
export type ConfigOptions = Partial<Config>;

/** Metadata key of each field, as files write it: `boxScoreThresh` is `box_score_thresh`. */
export function metadataKey(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Fields that a configuration may lack. */
const OPTIONAL = ['bnVariance', 'classes', 'strides', 'cellAnchors', 'blockStrides'];

/**
 * The configuration for a checkpoint of `levels` pyramid levels; `family`: what its profile says.
 * Throws WeightError where metadata or options make no sense.
 */
export function configure(
  metadata: Readonly<Record<string, string>>,
  options: ConfigOptions,
  family: Partial<Config> & { architecture: string },
  levels: number,
): Config {
  const config: Config = { ...DEFAULTS, ...family };
  for (const field of new Set([...Object.keys(config), ...OPTIONAL])) {
    const text = metadata[metadataKey(field)];
    if (text !== undefined) Object.assign(config, { [field]: parse(field, text) });
    const option = options[field as keyof ConfigOptions];
    if (option !== undefined) Object.assign(config, { [field]: option });
  }
  validate(config, levels);
  return config;
}

const TEXTS = [
  'architecture',
  'resize',
  'scaleRule',
  'colourOrder',
  'roiPooling',
  'anchorRounding',
  'levelRule',
  'maskPaste',
  'keypointScore',
];

/** Texts stay as they are; all else is JSON (a number, a boolean, an array of numbers, or of names). */
function parse(field: string, text: string): unknown {
  if (TEXTS.includes(field)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WeightError(`metadata ${metadataKey(field)}: wanted JSON; got '${text.slice(0, 80)}'`, {
      cause,
    });
  }
}
