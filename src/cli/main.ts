#!/usr/bin/env node
// The command `maskrcnn`: arguments in, exit code out. 0: done. 1: a fault, told on stderr. 2: wrong usage.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../../package.json';
import { MaskRcnnError } from '../node';
import { type ConvertOptions, convert } from './convert';
import { type DetectArguments, detect } from './detect';
import { info } from './info';
import { models } from './models';
import { tune } from './tune';

/** The trained model that comes with the package; this file runs as dist/cli.js. */
const DEFAULT_WEIGHTS = join(dirname(fileURLToPath(import.meta.url)), '../models/nuclei.safetensors');

const MEASURES = `
Measures in --csv, in pixels of the picture, of the mask's pixels:
  area        their number
  centroid    x, y: the mean of their centres; (0.5, 0.5) is the centre of the first pixel, as for boxes
  perimeter   the outline, holes too, as skimage.measure.perimeter(mask, neighborhood=4) has it
Models without masks: area, centre and perimeter of the box.`;

const MODEL =
  '.safetensors, .pth or .pkl file, index of shards, folder of a Caffe2 model, address, or a name: see maskrcnn models';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader, such as `head`, has had enough
  throw error;
});
process.exitCode = await main(process.argv);

async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = commands((result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has written the message
    const known = error instanceof MaskRcnnError || (error instanceof Error && 'syscall' in error);
    process.stderr.write(`maskrcnn: ${known ? (error as Error).message : explain(error)}\n`);
    return 1;
  }
}

function commands(done: (code: number) => void): Command {
  const program = new Command('maskrcnn')
    .description('Finds, outlines and scores objects in pictures: Mask R-CNN on WebGPU.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(maskrcnn --help lists commands and options)');
  program
    .command('detect')
    .description('find the objects in pictures: PNG, JPEG, WebP, AVIF, GIF or BMP')
    .argument('<IMAGE...>', 'picture files, and folders of .png, .jpg, .jpeg and .webp pictures')
    .option('--recursive', 'look into the folders of folders too')
    .option('--model, --weights <MODEL>', MODEL, DEFAULT_WEIGHTS)
    .option('--score <NUMBER>', "least score, 0 to 1; never below the model's own threshold", score, 0.5)
    .option('--size <MIN,MAX>', 'resize: short side to MIN pixels, long side MAX at most', size)
    .option('--count', 'print a table: for each picture its objects by class, and their mean area in pixels')
    .option('--json <FILE>', 'write the detections in the COCO results format')
    .option('--csv <FILE>', 'write a row for each object: class, score, box, and the measures below')
    .option('--resume', 'go on with a run that was stopped: skip the pictures that are in FILE already')
    .option('--overlay <DIR>', 'write each picture with masks, boxes and scores as DIR/NAME.png')
    .option('--profile <FILE>', 'write what the last run did and cost, node by node, as JSON')
    .addHelpText('after', MEASURES)
    .action(async (images: string[], options: Omit<DetectArguments, 'images'>, command: Command) => {
      if (options.resume && !options.json && !options.csv) {
        command.error("error: option '--resume' needs --json or --csv: the file to go on with");
      }
      done(await detect({ images, ...options }));
    });
  program
    .command('info')
    .description('show what a weights file holds: architecture, tensors, layer table')
    .argument('[MODEL]', MODEL, DEFAULT_WEIGHTS)
    .option('--size <MIN,MAX>', 'as for detect; the table is that of a picture of MIN x MAX', size)
    .action((file: string, options: { size?: [number, number] }) => info(file, options.size));
  program
    .command('convert')
    .description('make one safetensors file of any checkpoint, with all that it needs to know')
    .argument('<IN>', MODEL)
    .argument('<OUT>', 'file to write')
    .addOption(
      new Option('--dtype <DTYPE>', 'of the weights; i8: per output channel, see info').choices([
        'f32',
        'f16',
        'bf16',
        'i8',
      ]),
    )
    .option('--classes <FILE>', 'names of the classes: one a line, or a JSON array')
    .option(
      '--bn-eps <X>',
      "what batch norms add to the variance, where the file's maker departed from it",
      eps,
    )
    .option('--url <ADDRESS>', 'an address or a path to read a published model from, IN being its name')
    .option('--sha256 <HEX>', "the file's checksum, or how it begins; what differs is refused")
    .action((input: string, output: string, options: ConvertOptions) => convert(input, output, options));
  program
    .command('models')
    .description('list the published models that are known by name')
    .action(() => models());
  program
    .command('tune')
    .description('find the fastest kernels for this machine by timing them; detect uses them from then on')
    .argument('[MODEL]', MODEL, DEFAULT_WEIGHTS)
    .option('--size <MIN,MAX>', 'as for detect; tuned for pictures of MIN x MAX', size)
    .option('--precision <PRECISION>', 'f32 or f16', precision, 'f32')
    .action((model: string, options: { size?: [number, number]; precision: 'f32' | 'f16' }) =>
      tune(model, options),
    );
  return program;
}

function precision(text: string): 'f32' | 'f16' {
  if (text !== 'f32' && text !== 'f16') throw new InvalidArgumentError('Wanted f32 or f16.');
  return text;
}

function eps(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1))
    throw new InvalidArgumentError('Wanted a number of at least 0.');
  return value;
}

function score(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Wanted a number from 0 to 1.');
  return value;
}

function size(text: string): [number, number] {
  const [min, max] = text.split(',').map(Number);
  const whole = /^\d+,\d+$/.test(text) && min! > 0 && max! >= min!;
  if (!whole)
    throw new InvalidArgumentError('Wanted two whole numbers of pixels, MIN,MAX, such as 800,1333.');
  return [min!, max!];
}

/** A fault that nobody foresaw: with the place where it arose. */
function explain(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
