// The numbers of the network that are not in its weights: torchvision's defaults, what the checkpoint's
// metadata says, and what the caller of `load` says, the later over the earlier.

import { WeightError } from '../errors';
import { MAX_K, MAX_SORTED } from '../kernels/top_k';
import { SCALE_RULES, type ScaleRule } from './transform';

export interface Config {
  /** For example `torchvision/maskrcnn_resnet50_fpn`. */
  architecture: string;
  /** Added to a batch norm's variance. */
  bnEps: number;
  /** Names by class index; 0 is the background. */
  classes?: string[] | undefined;
  /** The picture's short side after resizing, in pixels, unless the long one would pass `maxSize`. */
  minSize: number;
  maxSize: number;
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
  /** Sides of the square anchors of each pyramid level, in resized pixels. */
  anchorSizes: number[][];
  /** Height / width of the anchors of each level. */
  anchorRatios: number[][];
  /** Instead of sizes and ratios: the anchors of a cell of each level, x1 y1 x2 y2 around its corner. */
  cellAnchors?: number[][][] | undefined;
  /** Strides of the inverted residuals of trunk and heads, by their scope. */
  blockStrides?: Record<string, number[]> | undefined;
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
  /** Detections have a score above it. */
  boxScoreThresh: number;
  boxNmsThresh: number;
  boxDetectionsPerImg: number;
  /** Detections have both sides at least so long, in resized pixels. */
  boxMinSize: number;
}

/** torchvision's defaults. `oldNames`: the published v1 files, which alone have an eps of 0. */
function defaults(oldNames: boolean, hasMasks: boolean): Config {
  return {
    architecture: `torchvision/${hasMasks ? 'maskrcnn' : 'fasterrcnn'}_resnet_fpn`,
    bnEps: oldNames ? 0 : 1e-5,
    minSize: 800,
    maxSize: 1333,
    scaleRule: 'float64',
    sizeDivisor: 32,
    colourOrder: 'rgb',
    colourRange: 1,
    imageMean: [0.485, 0.456, 0.406],
    imageStd: [0.229, 0.224, 0.225],
    anchorSizes: [[32], [64], [128], [256], [512]],
    anchorRatios: Array.from({ length: 5 }, () => [0.5, 1, 2]),
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
    boxScoreThresh: 0.05,
    boxNmsThresh: 0.5,
    boxDetectionsPerImg: 100,
    boxMinSize: 1e-2,
  };
}

/** What `load` may override; names and units as in `Config`. */
export type ConfigOptions = Partial<Omit<Config, 'architecture'>>;

/** Metadata key of each field, as files write it: `boxScoreThresh` is `box_score_thresh`. */
function metadataKey(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The configuration for a checkpoint. Throws WeightError where metadata or options make no sense. */
export function configure(
  metadata: Readonly<Record<string, string>>,
  options: ConfigOptions,
  traits: { oldNames: boolean; hasMasks: boolean; levels: number },
): Config {
  const config: Config = defaults(traits.oldNames, traits.hasMasks);
  const fields = [...Object.keys(config), 'classes', 'cellAnchors', 'blockStrides'];
  for (const field of fields) {
    const text = metadata[metadataKey(field)];
    if (text !== undefined) Object.assign(config, { [field]: parse(field, text) });
    const option = options[field as keyof ConfigOptions];
    if (option !== undefined) Object.assign(config, { [field]: option });
  }
  validate(config, traits.levels);
  return config;
}

const TEXTS = ['architecture', 'scaleRule', 'colourOrder', 'roiPooling'];

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

type Rule = [wanted: string, fits: (value: never) => boolean];

const fraction: Rule = ['a number in [0, 1)', (x: number) => x >= 0 && x < 1];
const openFraction: Rule = ['a number in (0, 1)', (x: number) => x > 0 && x < 1];
const side: Rule = ['a positive whole number of pixels', (x: number) => Number.isInteger(x) && x > 0];
const capacity: Rule = [
  `a whole number from 1 to ${MAX_SORTED}`,
  (x: number) => Number.isInteger(x) && x > 0 && x <= MAX_SORTED,
];
const shortest: Rule = ['a number of pixels of at least 0', (x: number) => Number.isFinite(x) && x >= 0];
const whole: Rule = ['a whole number of at least 0', (x: number) => Number.isInteger(x) && x >= 0];
const colours: Rule = ['three numbers', (x: number[]) => isNumbers(x) && x.length === 3];

const RULES: Record<Exclude<keyof Config, 'anchorSizes' | 'anchorRatios'>, Rule> = {
  architecture: ['a text', (x: string) => typeof x === 'string'],
  bnEps: ['a number of at least 0', (x: number) => x >= 0 && x < 1],
  classes: [
    'an array of names',
    (x?: string[]) => !x || (Array.isArray(x) && x.every((n) => typeof n === 'string')),
  ],
  minSize: side,
  maxSize: side,
  scaleRule: [`one of ${SCALE_RULES.join(', ')}`, (x: ScaleRule) => SCALE_RULES.includes(x)],
  sizeDivisor: side,
  colourOrder: ["'rgb' or 'bgr'", (x: string) => x === 'rgb' || x === 'bgr'],
  colourRange: ['1 or 255', (x: number) => x === 1 || x === 255],
  imageMean: colours,
  imageStd: [
    'three numbers above 0',
    (x: number[]) => isNumbers(x) && x.length === 3 && x.every((n) => n > 0),
  ],
  cellAnchors: [
    'an array of anchors, four numbers each, for each pyramid level',
    (x?: number[][][]) =>
      !x || isListOf(x, (level) => isListOf(level, (box) => isNumbers(box) && box.length === 4)),
  ],
  blockStrides: [
    'an array of whole numbers above 0 for each trunk and head',
    (x?: Record<string, number[]>) => !x || isListOf(Object.values(x), (list) => isListOf(list, isStride)),
  ],
  inclusiveBoxes: ['true or false', (x: boolean) => typeof x === 'boolean'],
  rpnMinSize: shortest,
  boxMinSize: shortest,
  nmsTrickLimit: whole,
  roiBins: ['a whole number from 1 to 255', (x: number) => isStride(x) && x < 256],
  roiPooling: ["'align' or 'pool'", (x: string) => x === 'align' || x === 'pool'],
  roiSamples: whole,
  rpnPreNmsTopN: [`a whole number from 1 to ${MAX_K}`, (x: number) => isStride(x) && x <= MAX_K],
  rpnPostNmsTopN: capacity,
  rpnNmsThresh: openFraction,
  rpnScoreThresh: fraction,
  boxScoreThresh: fraction,
  boxNmsThresh: openFraction,
  boxDetectionsPerImg: capacity,
};

function validate(config: Config, levels: number): void {
  for (const [field, [wanted, fits]] of Object.entries(RULES)) {
    const value = config[field as keyof Config];
    if (!fits(value as never))
      throw new WeightError(`${field}: wanted ${wanted}; got ${JSON.stringify(value)}`);
  }
  if (config.cellAnchors) return;
  for (const field of ['anchorSizes', 'anchorRatios'] as const) {
    const value = config[field];
    const fits = Array.isArray(value) && value.length === levels;
    if (!fits || !value.every((level) => isNumbers(level) && level.length > 0 && level.every((n) => n > 0))) {
      throw new WeightError(
        `${field}: wanted an array of positive numbers for each of the ${levels} pyramid levels; got ` +
          `${JSON.stringify(value)}. Give ${metadataKey(field)} in the file's metadata, or ${field} to load`,
      );
    }
  }
}

function isListOf<T>(value: unknown, fits: (item: T) => boolean): value is T[] {
  return Array.isArray(value) && value.every(fits);
}

function isStride(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isFinite(n));
}
