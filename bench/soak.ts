// npm run soak: the same detection a thousand times over, and whether memory grows with it.

import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { linearRegression } from 'simple-statistics';
import { bytes, table } from '../src/cli/table';
import { type ConfigOptions, fileSource, MaskRCNN, openDevice, readImage } from '../src/node';
import { trackBuffers } from './live_buffers';
import { parseSize } from './options';

const USAGE = `usage: npm run soak -- [--runs N] [--every N] [--weights FILE] [--image FILE] [--size MIN,MAX]

  --runs N        detections in a row (default 1000)
  --every N       detections between two looks at memory (default: 20 looks)
  --weights FILE  default: models/nuclei.safetensors
  --image FILE    default: tests/images/nuclei_192x256.png
  --size MIN,MAX  the picture's sides after resizing (default 96,128)
  --proposals N   regions that the heads look at, at most (default 100; without a GPU they take most of the time)`;

export interface MemorySample {
  run: number;
  /** Bytes: JavaScript's heap after a collection, live GPU buffers, the process's resident set. */
  heap: number;
  gpu: number;
  resident: number;
}

type Kind = keyof Omit<MemorySample, 'run'>;

/** Bytes by which each kind may seem to grow over all runs: what caches and collectors hold on to for a while. */
const ALLOWED: Record<Kind, number> = { heap: 1 << 19, gpu: 0, resident: 64 << 20 };

export async function main(args: string[]): Promise<number> {
  const known = {
    runs: { type: 'string', default: '1000' },
    every: { type: 'string' },
    weights: {
      type: 'string',
      default: fileURLToPath(new URL('../models/nuclei.safetensors', import.meta.url)),
    },
    image: {
      type: 'string',
      default: fileURLToPath(new URL('../tests/images/nuclei_192x256.png', import.meta.url)),
    },
    size: { type: 'string', default: '96,128' },
    proposals: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args, options: known });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const runs = Number(values.runs);
  const every = Number(values.every ?? Math.max(1, Math.floor(runs / 20)));
  if (!(runs >= 4 * every && every >= 1)) {
    throw new Error(`soak: wanted at least 4 looks at memory; got ${runs} runs, one look every ${every}`);
  }
  if (!globalThis.gc) throw new Error('soak: node needs --expose-gc, as npm run soak gives it');
  const options = { ...parseSize(values.size), rpnPostNmsTopN: Number(values.proposals) };
  const samples = await soak(values.weights, values.image, options, runs, every);
  const grown = growth(samples);
  for (const { kind, total, allowed } of grown) {
    const sign = total < 0 ? '-' : '+';
    const sum = `${sign}${bytes(Math.abs(Math.round(total)))} over ${runs} detections`;
    console.log(`${kind}: ${sum}, ${total > allowed ? 'IT GROWS' : 'no growth'} (allowed ${bytes(allowed)})`);
  }
  return grown.some(({ total, allowed }) => total > allowed) ? 1 : 0;
}

async function soak(
  weights: string,
  picture: string,
  options: ConfigOptions,
  runs: number,
  every: number,
): Promise<MemorySample[]> {
  const device = await openDevice();
  const live = trackBuffers(device);
  const model = await MaskRCNN.load(fileSource(weights), { device, ...options });
  const image = await readImage(picture);
  const samples: MemorySample[] = [];
  const show = (cells: (string | number)[]): void => {
    process.stdout.write(table([cells.map((cell) => String(cell).padStart(12))]));
  };
  show(['detections', 'JS heap', 'GPU buffers', 'resident']);
  for (let run = 1; run <= runs; run++) {
    await model.detect(image);
    if (run % every) continue;
    const sample = { run, ...(await memory()), gpu: live.bytes };
    samples.push(sample);
    show([run, bytes(sample.heap), bytes(sample.gpu), bytes(sample.resident)]);
  }
  model.destroy();
  device.destroy();
  return samples;
}

/** After collections with turns between them, in which finalisers run. */
async function memory(): Promise<{ heap: number; resident: number }> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!();
    await setTimeout(0);
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}

/** Bytes by which each kind grows over all runs, by the line of least squares through all but the first quarter. */
export function growth(samples: readonly MemorySample[]): { kind: Kind; total: number; allowed: number }[] {
  const steady = samples.slice(Math.ceil(samples.length / 4)); // by then all is compiled, and the heap has its size
  const runs = samples.at(-1)?.run ?? 0;
  return (Object.keys(ALLOWED) as Kind[]).map((kind) => {
    const { m } = linearRegression(steady.map((sample) => [sample.run, sample[kind]]));
    return { kind, total: m * runs, allowed: ALLOWED[kind] };
  });
}
