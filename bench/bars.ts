// npm run bench:bars: the figures that this project has promised for an adapter, each beside what was wanted. Products
// and convolutions against the measured peak, with the best way that src/tune.ts finds; the model's time against
// its pixels; float16 against float32; and PyTorch's torchvision on the same card or cores, by turns.

import { parseArgs } from 'node:util';
import { table } from '../src/cli/table';
import { BoundGraph } from '../src/graph/bound_graph';
import { Graph } from '../src/graph/graph';
import { Timer } from '../src/graph/timer';
import { f32 } from '../src/kernels/kernel';
import { type Algorithm, methodsFor, traitsOf } from '../src/kernels/methods';
import { type Computing, Layers } from '../src/model/layers';
import { MaskRCNN, openDevice, type RawImage, readImage } from '../src/node';
import { type Build, tune } from '../src/tune';
import { syntheticWeights } from '../tests/synthetic_weights';
import { measureCeilings } from './ceilings';
import { parseSize } from './options';
import { median, steadyStateMs } from './peers/timing';
import { besideTorch } from './peers/torch';
import { digits } from './text';
import { measure } from './timing';

const USAGE = `usage: npm run bench:bars -- [--torch PYTHON [--torch-device cuda]] [--only PART,...] [options]

  --torch PYTHON    a Python with torch and torchvision: times it beside us
  --torch-device D  cpu (default) or cuda, in float32 without TF32
  --only PART,...   of products, pixels, halves, torch; default: all
  --size MIN,MAX    the picture's sides after resizing, for halves and torch (default 800,1333)
  --runs N          of whole pictures, after the first (default 5)
  --seconds S       for each product, at least (default 1)
  --image FILE      default: tests/images/astronaut_480x640.png, which 800,1333 makes 800 x 1066, padded 800 x 1088`;

const PARTS = ['products', 'pixels', 'halves', 'torch'];

/** A figure and what was wanted of it; on software adapters what concerns hardware has no verdict. */
interface Bar {
  what: string;
  got: string;
  wanted: string;
  met?: boolean | undefined;
}

interface Product {
  name: string;
  macs: number;
  algorithm: Algorithm;
  build: Build;
  /** Percent of the peak, on hardware. */
  wanted: number;
}

const SIDE = 4096;
const [HEIGHT, WIDTH, CHANNELS] = [200, 272, 256]; // P2 of a picture of 800 x 1088

const PRODUCTS: Product[] = [
  {
    name: `product of ${SIDE} cubed`,
    macs: SIDE ** 3,
    algorithm: 'direct',
    build: (computing) =>
      ofLayer(computing, [SIDE, SIDE], (g) => g.linear('layer', g.graph.input('x', f32(SIDE, SIDE)))),
    wanted: 60,
  },
  convolution('direct', 50),
  convolution('winograd4', 70),
];

function convolution(algorithm: Algorithm, wanted: number): Product {
  const input = f32(1, HEIGHT, WIDTH, CHANNELS);
  return {
    name: `3x3, ${CHANNELS} to ${CHANNELS} at ${HEIGHT}x${WIDTH}, ${algorithm}`,
    macs: 9 * CHANNELS ** 2 * HEIGHT * WIDTH, // by the definition: Winograd's rate is an effective one
    algorithm,
    build: (computing) =>
      ofLayer(computing, [CHANNELS, CHANNELS, 3, 3], (g) =>
        g.conv2d('layer', g.graph.input('x', input), { padding: 1 }),
      ),
    wanted,
  };
}

function ofLayer(computing: Computing, shape: number[], record: (g: Layers) => unknown): Graph {
  const weight = { name: 'layer.weight', dtype: 'F32' as const, shape };
  const graph = new Graph();
  record(new Layers(graph, new Map([[weight.name, weight]]), computing));
  return graph;
}

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      torch: { type: 'string' },
      'torch-device': { type: 'string', default: 'cpu' },
      only: { type: 'string', default: PARTS.join(',') },
      size: { type: 'string', default: '800,1333' },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1' },
      image: { type: 'string', default: 'tests/images/astronaut_480x640.png' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const parts = new Set(values.only.split(','));
  const unknown = [...parts].find((part) => !PARTS.includes(part));
  if (unknown) throw new Error(`--only: wanted some of ${PARTS.join(', ')}; got '${unknown}'\n\n${USAGE}`);
  const size = parseSize(values.size) as { minSize: number; maxSize: number };
  const runs = Number(values.runs);
  const image = await readImage(values.image);
  const picture = {
    path: values.image,
    data: new Uint8Array(image.data),
    width: image.width,
    height: image.height,
  };
  const device = await openDevice();
  const { software } = traitsOf(device);
  const bars: Bar[] = [];
  const add = (bar: Bar): void => {
    bars.push(bar);
    process.stderr.write(`${bar.what}: ${bar.got}\n`);
  };
  try {
    if (parts.has('products'))
      for await (const bar of products(device, Number(values.seconds), software)) add(bar);
    if (parts.has('pixels')) add(await pixels(device, image));
    if (parts.has('halves')) add(await halves(device, image, size, runs, software));
  } finally {
    device.destroy();
  }
  if (parts.has('torch') && values.torch) {
    const how = { python: values.torch, device: values['torch-device'] };
    const { ours, torch, versions } = await besideTorch(how, picture, size, runs);
    const ratio = steadyStateMs(ours) / steadyStateMs(torch);
    const most = software ? 10 : 2.5;
    const name = `R50-FPN at ${values.size}, torchvision ${versions.torchvision} on ${how.device}`;
    const got = `${digits(steadyStateMs(ours))} ms, ${digits(steadyStateMs(torch))} ms: ${digits(ratio)} times`;
    add({ what: name, got, wanted: `at most ${most} times`, met: ratio <= most });
  }
  const verdict = ({ met }: Bar): string => (met === undefined ? 'for hardware' : met ? 'met' : 'MISSED');
  process.stdout.write(
    table([
      ['what', 'measured', 'wanted', ''],
      ...bars.map((bar) => [bar.what, bar.got, bar.wanted, verdict(bar)]),
    ]),
  );
  return bars.some(({ met }) => met === false) ? 1 : 0;
}

async function* products(device: GPUDevice, seconds: number, software: boolean): AsyncGenerator<Bar> {
  const timer = new Timer(device);
  const traits = traitsOf(device);
  try {
    const { peak } = await measureCeilings(device, timer, { largestCopy: 1 << 20 });
    for (const { name, macs, algorithm, build, wanted } of PRODUCTS) {
      const only = (computing: Computing): Graph =>
        build({ ...computing, methods: { ...computing.methods, algorithm: () => algorithm } });
      const tuning = await tune(device, only, { traits, precision: 'f32', adapter: '' });
      const methods = methodsFor(traits, false, tuning);
      const bound = await BoundGraph.create(device, only({ methods, precision: 'f32' }), new Map());
      const { p50, spread } = await measure(timer, (pass, n) => bound.encode(pass, n), seconds);
      bound.destroy();
      const gflops = (2 * macs) / p50 / 1e6;
      const share = (100 * gflops) / peak.f32.gflops;
      const tiles = [...new Set(Object.values(tuning.methods).map(({ tile }) => tile))].join(', ');
      yield {
        what: `${name} (${tiles})`,
        got: `${digits(p50)} ms ±${digits(spread / 2)} %: ${digits(gflops)} of ${digits(peak.f32.gflops)} GFLOP/s, ${digits(share)} %`,
        wanted: `${wanted} % of the peak`,
        met: software ? undefined : share >= wanted,
      };
    }
  } finally {
    timer.destroy();
  }
}

/** GPU time outside the heads, per megapixel of the picture as the network sees it. */
async function pixels(device: GPUDevice, image: RawImage): Promise<Bar> {
  const perMegapixel: number[] = [];
  for (const [minSize, maxSize] of [
    [320, 533],
    [800, 1333],
  ] as const) {
    const model = await MaskRCNN.load(syntheticWeights('maskrcnn'), { device, minSize, maxSize });
    const samples: number[] = [];
    let pixelsSeen = 0;
    for (let run = 0; run < 3; run++) {
      const { profile } = await model.detect(image, { profile: true });
      const body = profile!.nodes.filter(({ label }) => /^(image|backbone|rpn)/.test(label));
      samples.push(body.reduce((sum, { microseconds = Number.NaN }) => sum + microseconds, 0) / 1000);
      const stem = model.describe(image.height, image.width).find(({ label }) => label === 'image')!;
      pixelsSeen = stem.shape[1]! * stem.shape[2]!;
    }
    perMegapixel.push(median(samples) / (pixelsSeen / 1e6));
    model.destroy();
  }
  const [small, large] = perMegapixel as [number, number];
  return {
    what: 'ms per megapixel without heads, 320,533 and 800,1333',
    got: `${digits(small)}, ${digits(large)}: ${digits(large / small)} times`,
    wanted: 'at most 1.15 times',
    met: large / small <= 1.15,
  };
}

/** Whole pictures in float32 and in halves, by turns. */
async function halves(
  device: GPUDevice,
  image: RawImage,
  size: { minSize: number; maxSize: number },
  runs: number,
  software: boolean,
): Promise<Bar> {
  const load = (precision: 'f32' | 'f16'): Promise<MaskRCNN> =>
    MaskRCNN.load(syntheticWeights('maskrcnn'), { device, precision, ...size });
  const models = [await load('f32'), await load('f16')];
  const times: number[][] = [[], []];
  for (let run = 0; run <= runs; run++) {
    for (const [i, model] of models.entries()) {
      const { runMs } = (await model.detect(image)).timing;
      if (run > 0) times[i]!.push(runMs);
    }
  }
  for (const model of models) model.destroy();
  const [single, half] = times.map(median) as [number, number];
  return {
    what: `R50-FPN at ${size.minSize},${size.maxSize}, f32 and f16`,
    got: `${digits(single)} ms, ${digits(half)} ms: ${digits(single / half)} times as fast`,
    wanted: 'faster',
    met: software ? undefined : half < single,
  };
}
