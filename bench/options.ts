// The command line of npm run bench.

import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run bench -- [--rows] [--model] [--variants] [--image FILE] [options]
       npm run bench -- --compare A.json B.json

  --rows             time the rows of the kernel tables
  --model            time every distinct dispatch of a model, alone
  --variants         time every way to compute each distinct layer of a model: algorithms, tiles, slices.
                     Takes long: --filter conv2 or so
  --image FILE       time whole pictures; without any of these four: --rows --model
  --weights FILE     a safetensors file; default: torchvision's maskrcnn_resnet50_fpn with synthetic weights
  --size MIN,MAX     the picture's sides after resizing, as detect's; default: the model's own
  --filter WORD      only what has the word in its name or its kernel's
  --seconds S        at least this long for each result (default 1), and at least 5 samples
  --json FILE        the report, for --compare and for the page (npm run bench:page)
  --compare          prints how many times as fast B is as A`;

export interface Options {
  rows: boolean;
  model: boolean;
  variants: boolean;
  image?: string;
  weights?: string;
  minSize?: number;
  maxSize?: number;
  filter: string;
  seconds: number;
  json?: string;
  help: boolean;
  /** Two reports to compare. */
  compare?: [string, string];
}

/** Throws an Error that says what was wanted. */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rows: { type: 'boolean', default: false },
      model: { type: 'boolean', default: false },
      variants: { type: 'boolean', default: false },
      image: { type: 'string' },
      weights: { type: 'string' },
      size: { type: 'string' },
      filter: { type: 'string', default: '' },
      seconds: { type: 'string', default: '1' },
      json: { type: 'string' },
      compare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { size, compare, ...rest } = values;
  const files = compare ? 2 : 0;
  if (positionals.length !== files) {
    throw new Error(`bench: wanted ${files} files beside the options; got ${positionals.length}\n\n${USAGE}`);
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds: wanted a number above 0; got '${values.seconds}'`);
  const everything = !values.rows && !values.model && !values.variants && !values.image;
  return {
    ...rest,
    ...parseSize(size),
    rows: values.rows || everything,
    model: values.model || everything,
    seconds,
    ...(compare ? { compare: positionals as [string, string] } : {}),
  };
}

/** `320,533`: the short side, and what the long one may be. */
export function parseSize(size: string | undefined): { minSize?: number; maxSize?: number } {
  if (size === undefined) return {};
  const [minSize, maxSize, ...more] = size.split(',').map(Number);
  if (more.length || !(minSize! > 0) || !(maxSize! >= minSize!)) {
    throw new Error(`--size: wanted MIN,MAX, such as 320,533; got '${size}'`);
  }
  return { minSize, maxSize };
}
