// The two ceilings of the roofline (Williams, Waterman, Patterson 2009, doi:10.1145/1498765.1498785), measured on
// the adapter at hand: multiply-adds in registers, and copies of several sizes.

import { BoundGraph } from '../src/graph/bound_graph';
import type { Timer } from '../src/graph/timer';
import { copyForms, fmaForms, type MicroKernel } from './micro_kernels';
import type { Ceilings, Peak } from './report';
import { measure } from './timing';

export interface CeilingOptions {
  /** At least this long for each ceiling, beside the choice of its form. */
  seconds?: number;
  /** Bytes read and written by the largest copy; more than the caches hold. */
  largestCopy?: number;
  signal?: AbortSignal;
}

const SMALLEST_COPY = 1 << 18;
/** Two bindings as large as default limits have them. */
const LARGEST_COPY = 1 << 28;
const COPY_STEP = 4;

const FEWEST_ROUNDS = 4;
const MOST_ROUNDS = 1 << 16;
/** ms of a dispatch of multiply-adds; beside it, starting one does not count. */
const LONG_ENOUGH = 2;

export async function measureCeilings(
  device: GPUDevice,
  timer: Timer,
  options: CeilingOptions = {},
): Promise<Ceilings> {
  const { largestCopy = LARGEST_COPY } = options;
  const meter = new Meter(device, timer, options.seconds ?? 0.2, options.signal);
  const peak: Ceilings['peak'] = { f32: await meter.peak('f32') };
  if (device.features.has('shader-f16')) peak.f16 = await meter.peak('f16');
  const copy: Ceilings['copy'] = [];
  const largest = Math.min(largestCopy, 2 * device.limits.maxStorageBufferBindingSize);
  const sizes: number[] = [];
  for (let bytes = SMALLEST_COPY; bytes < largest; bytes *= COPY_STEP) sizes.push(bytes);
  for (const bytes of [...sizes, largest]) copy.push({ bytes, gbs: await meter.bandwidth(bytes) });
  return { peak, copy };
}

interface Look {
  form: MicroKernel;
  /** Amount a second, in thousand millions. */
  rate: number;
  ms: number;
}

class Meter {
  constructor(
    private readonly device: GPUDevice,
    private readonly timer: Timer,
    private readonly seconds: number,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async peak(scalar: 'f32' | 'f16'): Promise<Peak> {
    const looks: Look[] = [];
    for (const formOf of fmaForms(scalar)) {
      let rounds = FEWEST_ROUNDS;
      let look = await this.lookAt(formOf(rounds));
      while (look.ms < LONG_ENOUGH && rounds < MOST_ROUNDS) {
        rounds *= 4;
        look = await this.lookAt(formOf(rounds));
      }
      looks.push(look);
    }
    const best = fastest(looks);
    const gflops = await this.rateOf(best.form);
    const forms = Object.fromEntries(looks.map(({ form, rate }) => [form.name, rate]));
    return { gflops, form: best.form.name, forms };
  }

  /** GB/s, read and written together. */
  async bandwidth(bytes: number): Promise<number> {
    const looks: Look[] = [];
    for (const form of copyForms(bytes)) looks.push(await this.lookAt(form));
    return this.rateOf(fastest(looks).form);
  }

  /** Is it right, and how fast is it, about? */
  private lookAt(form: MicroKernel): Promise<Look> {
    return this.bound(form, async (bound) => {
      const output = (await bound.runOnce([form.output])).get(form.output)!;
      if (!form.correct(output))
        throw new Error(`${form.graph.nodes[0]!.label}, ${form.name}: a wrong result`);
      const repeats = await this.timer.repeatsFor((pass, n) => bound.encode(pass, n));
      const ms = (await this.timer.once((pass, n) => bound.encode(pass, n), repeats)) / repeats;
      return { form, rate: form.amount / ms / 1e6, ms };
    });
  }

  private rateOf(form: MicroKernel): Promise<number> {
    return this.bound(form, async (bound) => {
      const { p50 } = await measure(
        this.timer,
        (pass, n) => bound.encode(pass, n),
        this.seconds,
        this.signal,
      );
      return form.amount / p50 / 1e6;
    });
  }

  private async bound<T>(form: MicroKernel, work: (bound: BoundGraph) => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    const bound = await BoundGraph.create(this.device, form.graph, form.data);
    try {
      return await work(bound);
    } finally {
      bound.destroy();
    }
  }
}

function fastest(looks: readonly Look[]): Look {
  return looks.reduce((a, b) => (b.rate > a.rate ? b : a));
}
