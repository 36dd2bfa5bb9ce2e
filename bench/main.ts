// Times every distinct dispatch of a model on this machine's adapter, or whole pictures.
//
// A dispatch runs alone, over zeros, with all regions present. With timestamp-query its GPU time is taken, else
// the time from submit to readback, which small dispatches spend on waiting.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import { Graph, type Node } from '../src/graph/graph';
import { Program } from '../src/graph/program';
import { describe, ELEMENT_BYTES, sizeOf } from '../src/kernels/kernel';
import { interpret } from '../src/mask_rcnn';
import { buildNetwork } from '../src/model/networks';
import { fileSource, MaskRCNN, openDevice, readImage, readSafetensors } from '../src/node';
import { syntheticWeights } from '../tests/synthetic_weights';

const USAGE = `usage: npm run bench -- [--weights FILE] [--size MIN,MAX] [--image FILE] [--filter WORD] [--seconds S] [--json FILE]

  --weights FILE   a safetensors file; default: torchvision's maskrcnn_resnet50_fpn with synthetic weights
  --size MIN,MAX   the picture's sides after resizing, as detect's; default: the model's own
  --image FILE     time whole pictures instead of single dispatches
  --filter WORD    only dispatches whose label or kernel contains it
  --seconds S      at least this long for each row (default 1), and at least 5 runs
  --json FILE      rows as JSON, with adapter and versions`;

interface Row {
  label: string;
  kernel: string;
  output: string;
  times: number;
  p50: number;
  p95: number;
  /** (p95 - fastest) / p50, percent. */
  spread: number;
  gflops: number;
  gbs: number;
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      weights: { type: 'string' },
      size: { type: 'string' },
      image: { type: 'string' },
      filter: { type: 'string', default: '' },
      seconds: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(USAGE);
  const device = await openDevice();
  const { vendor, architecture, description } = device.adapterInfo;
  console.log(`adapter: ${[vendor, architecture, description].filter(Boolean).join(' ')}`);
  const [minSize, maxSize] = values.size?.split(',').map(Number) ?? [];
  const source = values.weights ? fileSource(values.weights) : syntheticWeights('maskrcnn');
  const seconds = Number(values.seconds);
  const options = { minSize, maxSize };
  const rows = values.image
    ? [await timePicture(device, source, options, values.image, seconds)]
    : await timeDispatches(device, await nodesOf(source, options), values.filter, seconds);
  console.table(rows.map(({ label, ...row }) => ({ label: label.slice(-44), ...row })));
  if (values.json) {
    mkdirSync(dirname(values.json), { recursive: true });
    writeFileSync(
      values.json,
      JSON.stringify({ adapter: description, node: process.version, rows }, null, 1),
    );
  }
  device.destroy();
}

interface Sizes {
  minSize?: number | undefined;
  maxSize?: number | undefined;
}

/** The network for a picture of 480x640, from the checkpoint's header alone. */
async function nodesOf(source: Parameters<typeof readSafetensors>[0], sizes: Sizes): Promise<Graph> {
  let graph: Graph | undefined;
  await readSafetensors(source, {
    header(header) {
      const { tensors, config } = interpret(header, sizes);
      graph = buildNetwork(tensors, config, { height: 480, width: 640 }).graph;
    },
    data() {},
  });
  return graph!;
}

/** Dispatches of the same kernel, constants and parameters are one row, under the first's label. */
async function timeDispatches(
  device: GPUDevice,
  graph: Graph,
  filter: string,
  seconds: number,
): Promise<Row[]> {
  const distinct = new Map<string, { node: Node; times: number }>();
  for (const node of graph.nodes) {
    const { constants, params } = node.dispatch;
    const key = JSON.stringify([node.kernel.name, constants, params]);
    const known = distinct.get(key);
    if (known) known.times++;
    else distinct.set(key, { node, times: 1 });
  }
  const rows: Row[] = [];
  for (const { node, times } of distinct.values()) {
    if (!`${node.label} ${node.kernel.name}`.includes(filter)) continue;
    rows.push(await timeNode(device, graph, node, times, seconds));
  }
  return rows;
}

async function timeNode(
  device: GPUDevice,
  graph: Graph,
  node: Node,
  times: number,
  seconds: number,
): Promise<Row> {
  const alone = new Graph();
  alone.nodes.push(node);
  const weights = new Map<string, GPUBuffer>();
  for (const tensor of Object.values(node.inputs)) {
    const data = graph.constants.get(tensor);
    if (data) alone.constants.set(tensor, data);
    if (tensor.origin === 'input') alone.inputs.push(tensor);
    if (tensor.origin === 'weight') {
      const size = sizeOf(tensor) * ELEMENT_BYTES;
      weights.set(tensor.label, device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }));
    }
  }
  for (const layer of graph.layers.values()) {
    if (weights.has(layer.packedWeight.label)) alone.layers.set(layer.weight, layer);
  }
  const outputs = Object.values(node.outputs);
  const smallest = outputs.reduce((a, b) => (sizeOf(b) < sizeOf(a) ? b : a));
  const program = await Program.create(device, alone, weights, { smallest });
  const count = node.inputs.count;
  if (count) program.write(count, Uint32Array.of(0xffffffff)); // beyond every capacity: all regions are there

  const samples = await measure(seconds, async () => {
    const { profile } = await program.run({ profile: true });
    const gpu = profile.nodes[0]?.microseconds;
    return gpu ? gpu / 1000 : profile.runMs;
  });
  program.destroy();
  for (const buffer of weights.values()) buffer.destroy();
  const tensors = [...Object.values(node.inputs), ...outputs];
  const bytes = tensors.reduce((sum, tensor) => sum + sizeOf(tensor) * ELEMENT_BYTES, 0);
  return row(node.label, node.kernel.name, describe(outputs[0]), times, samples, node.dispatch.macs, bytes);
}

async function timePicture(
  device: GPUDevice,
  source: Parameters<typeof MaskRCNN.load>[0],
  sizes: Sizes,
  path: string,
  seconds: number,
): Promise<Row> {
  const model = await MaskRCNN.load(source, { device, ...sizes });
  const image = await readImage(path);
  let found = 0;
  const samples = await measure(seconds, async () => {
    const { detections, timing } = await model.detect(image);
    found = detections.length;
    return timing.runMs;
  });
  model.destroy();
  // no rates: the heads' work depends on what is found
  return row(path, 'detect', `${found} detections`, 1, samples, 0, 0);
}

/** One warm-up, then runs for `seconds`, five at least; the numbers that `run` returns, in ms. */
async function measure(seconds: number, run: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  const bench = new Bench({ time: seconds * 1000, iterations: 5, warmupIterations: 1, warmupTime: 0 });
  bench.add('row', async () => {
    samples.push(await run());
  });
  await bench.run();
  return samples.slice(1); // the first compiled, and warmed up
}

function row(
  label: string,
  kernel: string,
  output: string,
  times: number,
  samples: readonly number[],
  macs: number,
  bytes: number,
): Row {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (fraction: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))]!;
  const [p50, p95] = [at(0.5), at(0.95)];
  const round = (x: number): number => Number(x.toPrecision(3));
  return {
    label,
    kernel,
    output,
    times,
    p50: round(p50),
    p95: round(p95),
    spread: round((100 * (p95 - sorted[0]!)) / p50),
    gflops: round((2 * macs) / p50 / 1e6),
    gbs: round(bytes / p50 / 1e6),
  };
}
