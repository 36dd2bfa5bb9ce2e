// What the numbers of a configuration must be.

import { WeightError } from '../errors';
import { PASTE_RULES } from '../kernels/paste_rule';
import { MAX_K, MAX_SORTED } from '../kernels/top_k';
import { ANCHOR_ROUNDINGS } from './anchors';
import { type Config, metadataKey } from './config';
import { LEVEL_RULES } from './levels';
import { RESIZE_RULES } from './resample';
import { SCALE_RULES } from './transform';

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

const truth: Rule = ['true or false', (x: boolean) => typeof x === 'boolean'];

function oneOf(words: readonly string[]): Rule {
  return [`one of ${words.join(', ')}`, (x: string) => words.includes(x)];
}

const RULES: Record<Exclude<keyof Config, 'anchorSizes' | 'anchorRatios'>, Rule> = {
  architecture: ['a text', (x: string) => typeof x === 'string'],
  bnEps: ['a number of at least 0', (x: number) => x >= 0 && x < 1],
  bnVariance: ['a number above 0', (x?: number) => x === undefined || (x > 0 && Number.isFinite(x))],
  classes: [
    'an array of names',
    (x?: string[]) => !x || (Array.isArray(x) && x.every((n) => typeof n === 'string')),
  ],
  minSize: side,
  maxSize: side,
  resize: oneOf(RESIZE_RULES),
  scaleRule: oneOf(SCALE_RULES),
  sizeDivisor: side,
  colourOrder: oneOf(['rgb', 'bgr']),
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
  strideIn1x1: truth,
  anchorRounding: oneOf(ANCHOR_ROUNDINGS),
  strides: [
    'an array of whole numbers above 0',
    (x?: number[]) => !x || (isListOf(x, isStride) && x.length > 0),
  ],
  clampBelow: truth,
  inclusiveBoxes: truth,
  roiAligned: truth,
  levelRule: oneOf(LEVEL_RULES),
  backgroundLast: truth,
  dropEmptyBoxes: truth,
  maskPaste: oneOf(PASTE_RULES),
  keypointScore: oneOf(['logit', 'probability']),
  rpnMinSize: shortest,
  boxMinSize: shortest,
  nmsTrickLimit: whole,
  roiBins: ['a whole number from 1 to 255', (x: number) => isStride(x) && x < 256],
  roiPooling: oneOf(['align', 'pool']),
  roiSamples: whole,
  rpnPreNmsTopN: [`a whole number from 1 to ${MAX_K}`, (x: number) => isStride(x) && x <= MAX_K],
  rpnPostNmsTopN: capacity,
  rpnNmsThresh: openFraction,
  rpnScoreThresh: fraction,
  boxScoreThresh: fraction,
  boxNmsThresh: openFraction,
  boxDetectionsPerImg: capacity,
};

/** Throws WeightError that says which field is not what it must be; of `levels` pyramid levels. */
export function validate(config: Config, levels: number): void {
  for (const [field, [wanted, fits]] of Object.entries(RULES)) {
    const value = config[field as keyof Config];
    if (!fits(value as never))
      throw new WeightError(`${field}: wanted ${wanted}; got ${JSON.stringify(value)}`);
  }
  if (config.strides && config.strides.length < levels) {
    throw new WeightError(
      `strides: wanted one for each of the ${levels} pyramid levels; got ${JSON.stringify(config.strides)}`,
    );
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
