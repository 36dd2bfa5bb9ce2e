// Times our engine and its peers in the same Chromium, on the same adapter, by turns: single layers, and R50-FPN
// Mask R-CNN end to end. With PyTorch at hand, also beside that, in Node. What is timed is said in README.md.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImage } from '../../src/node_image';
import { HERE, PeersPage } from './browser';
import { gflop, LAYER_CASES } from './layer_cases';
import type { Engine, PictureSettings } from './page';
import {
  barsOf,
  type DetectResults,
  type EngineResult,
  inWords,
  type LayerResult,
  printReport,
  type Report,
} from './report';
import { besideTorch } from './torch';

const USAGE = `usage: npm run bench:peers -- [--torch PYTHON] [--only PART,...] [--engines NAME,...] [--filter WORD]
         [--runs N] [--limit S] [--detect-limit S] [--size MIN,MAX] [--image FILE] [--json FILE]

  --torch PYTHON    a Python with torch and torchvision: times it beside us, and exports the ONNX file if it is missing
  --only PART,...   of layers, torch, detect; default: all
  --engines N,...   of ours, ort-webgpu, ort-webgpu-nchw, ort-wasm, tfjs, litert;
                    default: all but ort-webgpu-nchw
  --filter WORD     only layers whose name contains it
  --runs N          after the first, at most (default 3)
  --limit S         seconds of one engine on one layer (default 60): no run is begun that would end later
  --detect-limit S  the same, end to end (default 660)
  --size MIN,MAX    the picture's sides after resizing (default 320,533)
  --image FILE      default: tests/images/astronaut_480x640.png
  --json FILE       the report (default out/peers.json)`;

const ENGINES: readonly Engine[] = ['ours', 'ort-webgpu', 'tfjs', 'litert', 'ort-wasm', 'ort-webgpu-nchw'];
const BY_DEFAULT = ENGINES.slice(0, 5);
/** Those that can run the ONNX file, the slowest last. */
const DETECTORS: readonly Engine[] = ['ours', 'ort-wasm', 'ort-webgpu', 'ort-webgpu-nchw'];
const PARTS = ['layers', 'torch', 'detect'] as const;
/** Layers that take the peers minutes on a software adapter: only by --filter. */
const LONG = 'FC6 1000x12544x1024';
/** A call is ended this much after its limit, in seconds: its first run may take longer than the limit. */
const GRACE = 120;
const EXPORT = join(HERE, '../../scripts/export_onnx.py');

type Options = ReturnType<typeof optionsOf>;

export async function main(args: string[]): Promise<void> {
  if (args.includes('--help')) return console.log(USAGE);
  const options = optionsOf(args);
  const image = await readImage(options.image);
  const picture = { path: options.image, data: new Uint8Array(image.data), ...sizeOf(image) };
  const model = modelFile(options, picture);
  const page = await PeersPage.open(picture, model);
  try {
    const report = await opening(page, options);
    const save = () => saved(report, options.json);
    if (options.parts.has('layers')) await timeLayers(page, options, report.layers, save);
    if (options.parts.has('torch') && !options.torch) console.log('PyTorch is left out: no --torch');
    if (options.parts.has('torch') && options.torch) {
      await page.quit(); // nothing else at work
      console.log('PyTorch and ours by turns, in Node');
      report.torch = await besideTorch(
        { python: options.torch, device: 'cpu' },
        picture,
        options.size,
        options.runs,
      );
      save();
    }
    if (options.parts.has('detect')) {
      await timeDetect(page, options, { ...sizeOf(image), ...options.size }, report.detect, save);
    }
    printReport(save());
  } finally {
    await page.close();
  }
}

function optionsOf(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      torch: { type: 'string' },
      only: { type: 'string', default: PARTS.join(',') },
      engines: { type: 'string', default: BY_DEFAULT.join(',') },
      filter: { type: 'string', default: '' },
      runs: { type: 'string', default: '3' },
      limit: { type: 'string', default: '60' },
      'detect-limit': { type: 'string', default: '660' },
      size: { type: 'string', default: '320,533' },
      image: { type: 'string', default: 'tests/images/astronaut_480x640.png' },
      json: { type: 'string', default: 'out/peers.json' },
    },
  });
  const [minSize, maxSize] = values.size.split(',').map(Number);
  const numbers = { runs: values.runs, limit: values.limit, detectLimit: values['detect-limit'] };
  for (const [name, text] of Object.entries({ ...numbers, minSize, maxSize })) {
    if (!(Number(text) > 0)) throw new Error(`bench:peers: wanted a number above 0 for ${name}; got ${text}`);
  }
  return {
    torch: values.torch,
    parts: new Set(among(values.only, PARTS)),
    engines: new Set(among(values.engines, ENGINES)),
    filter: values.filter,
    runs: Number(values.runs),
    limit: Number(values.limit),
    detectLimit: Number(values['detect-limit']),
    size: { minSize: minSize!, maxSize: maxSize! },
    image: values.image,
    json: values.json,
  };
}

function among<Name extends string>(list: string, names: readonly Name[]): Name[] {
  return list.split(',').map((name) => {
    if (names.includes(name as Name)) return name as Name;
    throw new Error(`bench:peers: wanted some of ${names.join(', ')}; got '${name}'`);
  });
}

function sizeOf({ width, height }: { width: number; height: number }) {
  return { width, height };
}

/** Where the ONNX file is, which is made here if it can be. */
function modelFile(
  { size, torch, parts }: Options,
  { width, height }: { width: number; height: number },
): string {
  const { minSize, maxSize } = size;
  const file = join(HERE, `models/maskrcnn_${minSize}_${maxSize}_${height}x${width}.onnx`);
  if (parts.has('detect') && torch && !existsSync(file)) {
    console.log(`exporting ${file}`);
    const args = [EXPORT, file, '--size', `${minSize},${maxSize}`, '--picture', `${height}x${width}`];
    execFileSync(torch, args, { stdio: 'inherit' });
  }
  return file;
}

async function opening(page: PeersPage, options: Options): Promise<Report> {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: HERE, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') ? ' with changes' : '';
  const adapter = await page.call(() => globalThis.peers.adapter(), undefined, GRACE);
  const { parts, engines, size, torch: _, ...rest } = options;
  const settings = { ...rest, size: Object.values(size).join(','), engines: [...engines].join(',') };
  const report: Report = {
    date: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD') + changed,
    adapter,
    versions: { chromium: await page.version(), node: process.version, ...peerVersions() },
    settings: { ...settings, parts: [...parts].join(',') },
    layers: [],
    detect: {},
    bars: [],
  };
  console.log(`${report.date}, commit ${report.commit}, adapter: ${adapter}`);
  console.log(report.versions);
  return report;
}

function peerVersions(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'));
  return Object.fromEntries(
    Object.keys(dependencies).map((name) => {
      const { version } = JSON.parse(readFileSync(join(HERE, 'node_modules', name, 'package.json'), 'utf8'));
      return [name, version];
    }),
  );
}

/** The report as it stands, written to a file: what a later part loses, an earlier one keeps. */
function saved(report: Report, path: string): Report {
  report.bars = barsOf(report);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(report, null, 1));
  return report;
}

async function timeLayers(
  page: PeersPage,
  { engines, filter, runs, limit }: Options,
  results: LayerResult[],
  save: () => void,
): Promise<void> {
  const wanted = LAYER_CASES.filter(({ name }) => name.includes(filter) && (filter || name !== LONG));
  for (const layer of wanted) {
    const result: LayerResult = { name: layer.name, gflop: gflop(layer), engines: {} };
    results.push(result);
    for (const engine of ENGINES.filter((known) => engines.has(known))) {
      const limits = { runs, limitMs: 1000 * limit };
      result.engines[engine] = await attempt(`${layer.name}  ${engine}`, () =>
        page.call(
          ({ engine, name, limits }) => globalThis.peers.layer(engine, name, limits),
          { engine, name: layer.name, limits },
          limit + GRACE,
        ),
      );
    }
    save();
  }
  if (!filter) console.log(`${LONG}: left out, it takes the peers minutes; --filter '${LONG}' --limit 600`);
}

async function timeDetect(
  page: PeersPage,
  { engines, runs, detectLimit }: Options,
  settings: PictureSettings,
  results: DetectResults,
  save: () => void,
): Promise<void> {
  for (const engine of DETECTORS.filter((known) => engines.has(known))) {
    const limits = { runs, limitMs: 1000 * detectLimit };
    results[engine] = await attempt(`end to end  ${engine}`, () =>
      page.call(
        ({ engine, settings, limits }) => globalThis.peers.detect(engine, settings, limits),
        { engine, settings, limits },
        detectLimit + GRACE,
      ),
    );
    save();
  }
}

/** What fails is noted, and the others go on. */
async function attempt<T extends object>(
  what: string,
  run: () => Promise<T>,
): Promise<T | { error: string }> {
  let result: T | { error: string };
  try {
    result = await run();
  } catch (error) {
    result = { error: (error as Error).message.split('\n')[0]! };
  }
  console.log(
    `${new Date().toISOString().slice(11, 19)}  ${what}: ${inWords(result as EngineResult<unknown>)}`,
  );
  return result;
}
