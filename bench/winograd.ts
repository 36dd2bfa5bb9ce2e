// Winograd's convolution against the definition's, both by the tiles that this adapter gets: 3x3, 256 to 256 channels.
// Interleaved, so that other work on the machine meets both alike. Run: node bench/run.mjs winograd [HEIGHT WIDTH]

import { BoundGraph } from '../src/graph/bound_graph';
import { Graph } from '../src/graph/graph';
import { Timer } from '../src/graph/timer';
import { f32 } from '../src/kernels/kernel';
import { type Algorithm, methodsFor, traitsOf } from '../src/kernels/methods';
import { type Checkpoint, Layers } from '../src/model/layers';
import { openDevice } from '../src/node';
import { summarise } from './timing';

const CHANNELS = 256;
const SAMPLES = 7;
const ALGORITHMS: Algorithm[] = ['direct', 'winograd2', 'winograd4'];

export async function main([height = '80', width = '134']: string[]): Promise<number> {
  const device = await openDevice();
  const timer = new Timer(device);
  const shape = [CHANNELS, CHANNELS, 3, 3];
  const checkpoint: Checkpoint = new Map([['conv.weight', { name: 'conv.weight', dtype: 'F32', shape }]]);
  const methods = methodsFor(traitsOf(device));
  const bound = [];
  for (const algorithm of ALGORITHMS) {
    const graph = new Graph();
    const layers = new Layers(graph, checkpoint, {
      methods: { ...methods, algorithm: () => algorithm },
      precision: 'f32',
    });
    layers.conv2d('conv', graph.input('input', f32(1, Number(height), Number(width), CHANNELS)), {
      padding: 1,
    });
    bound.push(await BoundGraph.create(device, graph, new Map()));
  }
  const times: number[][] = ALGORITHMS.map(() => []);
  for (let sample = 0; sample <= SAMPLES; sample++) {
    for (const [i, one] of bound.entries()) {
      const ms = await timer.once((pass, repeats) => one.encode(pass, repeats), 1);
      if (sample > 0) times[i]!.push(ms); // the first warms up
    }
  }
  const macs = Number(height) * Number(width) * CHANNELS * CHANNELS * 9;
  const medians = times.map((samples) => summarise(samples));
  console.log(`${device.adapterInfo.description}, ${height}x${width}, ${CHANNELS} to ${CHANNELS} channels`);
  console.table(
    Object.fromEntries(
      ALGORITHMS.map((algorithm, i) => {
        const { p50, spread } = medians[i]!;
        const rates = { 'effective GFLOP/s': ((2 * macs) / p50 / 1e6).toFixed(1) };
        const times = (medians[0]!.p50 / p50).toFixed(2);
        return [
          algorithm,
          { ms: p50.toFixed(1), 'spread %': spread.toFixed(0), ...rates, 'times direct': times },
        ];
      }),
    ),
  );
  for (const one of bound) one.destroy();
  timer.destroy();
  device.destroy();
  return 0;
}
