// PyTorch (scripts/time_torch.py) beside our engine in Node, on the same processor or card: by turns, so that whatever
// else the machine does falls on both alike.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDevice } from '../../src/node_device';
import { syntheticWeights } from '../../tests/synthetic_weights';
import { compareFound, type Found, type FoundDifference } from './compare';
import { foundByUs, ourDetector, type Picture } from './ours';
import type { Timing } from './timing';

const SCRIPT = fileURLToPath(new URL('../../scripts/time_torch.py', import.meta.url));

export interface TorchResult {
  /** Our adapter in Node. */
  adapter: string;
  /** torch, torchvision, threads. */
  versions: Record<string, string | number>;
  ours: Timing;
  torch: Timing;
  difference: FoundDifference;
}

/** What the script prints, a line each. */
interface Line {
  versions?: Record<string, string | number>;
  ms: number;
  boxes?: number[];
  scores?: number[];
  labels?: number[];
}

/** Which Python, and what its PyTorch computes on. */
export interface Torch {
  python: string;
  device: string;
}

export async function besideTorch(
  { python, device: torchDevice }: Torch,
  picture: Picture & { path: string },
  sizes: { minSize: number; maxSize: number },
  runs: number,
): Promise<TorchResult> {
  const device = await openDevice();
  const { vendor, architecture, description } = device.adapterInfo;
  const started = performance.now();
  const ready = await ourDetector(syntheticWeights('maskrcnn'), picture, { ...sizes, device });
  const createMs = performance.now() - started;
  const size = `${sizes.minSize},${sizes.maxSize}`;
  const torch = new TorchProcess(python, [picture.path, '--size', size, '--device', torchDevice]);
  try {
    const { versions, ms } = await torch.next();
    const [ours, theirs]: [number[], number[]] = [[], []];
    let found: Found | undefined;
    let line: Line | undefined;
    for (let run = 0; run <= runs; run++) {
      const began = performance.now();
      const result = await ready.run();
      ours.push(performance.now() - began);
      found ??= foundByUs(result);
      line = await torch.run();
      theirs.push(line.ms);
    }
    const [ourFirst, torchFirst] = [ours.shift()!, theirs.shift()!];
    const { boxes = [], scores = [], labels = [] } = line!;
    const withoutMasks = (some: Omit<Found, 'masks'>): Found => ({
      ...some,
      masks: Array.from(some.scores, () => new Uint8Array()),
    });
    return {
      adapter: [vendor, architecture, description].filter(Boolean).join(' '),
      versions: versions!,
      ours: { createMs, firstMs: ourFirst, steadyMs: ours },
      torch: { createMs: ms, firstMs: torchFirst, steadyMs: theirs },
      difference: compareFound(withoutMasks(found!), withoutMasks({ boxes, scores, labels })),
    };
  } finally {
    torch.stop();
    ready.destroy();
    device.destroy();
  }
}

/** The script, which runs once for each line that it is sent. */
class TorchProcess {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(python: string, args: readonly string[]) {
    this.process = spawn(python, [SCRIPT, ...args, '--on-demand'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.on('error', (error) => console.error(`${python}: ${error.message}`));
    this.lines = createInterface(this.process.stdout!)[Symbol.asyncIterator]();
  }

  async next(): Promise<Line> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('scripts/time_torch.py ended early: is torchvision there?');
    return JSON.parse(value);
  }

  run(): Promise<Line> {
    this.process.stdin!.write('run\n');
    return this.next();
  }

  stop(): void {
    this.process.stdin!.end();
  }
}
