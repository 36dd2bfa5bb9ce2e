// Depthwise convolution by its own kernel against conv2d with as many groups as channels, on this machine's
// adapter: interleaved, so that other work on the machine meets both alike. Run: node bench/run.mjs depthwise

import { Graph } from '../src/graph/graph';
import { Program } from '../src/graph/program';
import { conv2d } from '../src/kernels/conv2d';
import { depthwiseConv2d } from '../src/kernels/depthwise_conv2d';
import { f32, type Kernel } from '../src/kernels/kernel';
import { openDevice } from '../src/node';

const RUNS = 15;

/** Layers of MaskRCNN2Go and MobileNetV3: height, width, channels, window, stride, regions. */
const LAYERS: [number, number, number, number, number, number][] = [
  [160, 216, 32, 3, 2, 1],
  [80, 108, 96, 3, 1, 1],
  [20, 27, 512, 3, 1, 1],
  [20, 27, 672, 5, 1, 1],
  [6, 6, 512, 3, 1, 100],
];

export async function main(): Promise<void> {
  const device = await openDevice();
  console.log(`adapter: ${device.adapterInfo.description}`);
  const rows: Record<string, string | number>[] = [];
  for (const [height, width, channels, window, stride, regions] of LAYERS) {
    const shape = [regions, height, width, channels];
    const attributes = { channels, window: [window, window], stride, padding: (window - 1) / 2 };
    const taps = Math.ceil(window ** 2 / 4) * 4;
    const own = await single(device, depthwiseConv2d, shape, [taps, channels], attributes);
    const packed = [channels, window, window, 4, 4];
    const grouped = await single(device, conv2d, shape, packed, { ...attributes, groups: channels });
    const times: [number[], number[]] = [[], []];
    for (let i = 0; i <= RUNS; i++) {
      for (const [which, program] of [own, grouped].entries()) {
        const { profile } = await program.run({ profile: true });
        const gpu = profile.nodes[0]?.microseconds;
        if (i > 0) times[which]!.push(gpu ? gpu / 1000 : profile.runMs); // the first warms up
      }
    }
    const [ownMs, groupedMs] = times.map((list) => list.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!) as [
      number,
      number,
    ];
    const round = (x: number): number => Number(x.toPrecision(3));
    rows.push({
      layer: `[${shape.join(', ')}] ${window}x${window} stride ${stride}`,
      'depthwise_conv2d, ms': round(ownMs),
      'conv2d, ms': round(groupedMs),
      times: round(groupedMs / ownMs),
    });
    own.destroy();
    grouped.destroy();
  }
  console.table(rows);
  device.destroy();
}

/** A program of one dispatch, over zeros; it reads a word back, to know the end. */
async function single(
  device: GPUDevice,
  // biome-ignore lint/suspicious/noExplicitAny: one of two kernels
  kernel: Kernel<any, any>,
  shape: number[],
  weight: number[],
  attributes: unknown,
): Promise<Program> {
  const graph = new Graph();
  const input = graph.input('input', f32(...shape));
  const weights = graph.input('weight', f32(...weight));
  graph.apply(kernel.name, kernel, { input, weight: weights, bias: undefined }, attributes, 'output');
  return Program.create(device, graph, new Map(), { word: graph.constant('word', [1], new Uint32Array(1)) });
}
