// Where tunings are kept between visits: in a browser in localStorage; in Node in files (src/node_tuning.ts).

import type { Tuning } from './kernels/methods';

export interface TuningStore {
  /** What was measured on this adapter, if anything was. */
  get(adapter: string): Promise<Tuning | undefined>;
  set(tuning: Tuning): Promise<void>;
}

/** Bumped when kernels change so much that old times say nothing. */
const VERSION = 1;

/** Names an adapter, its driver's version as far as it tells, and the precision. */
export function adapterKey(
  { adapterInfo }: Pick<GPUDevice, 'adapterInfo'>,
  precision: 'f32' | 'f16',
): string {
  const { vendor, architecture, device, description } = adapterInfo;
  return [`v${VERSION}`, vendor, architecture, device, description, precision].filter(Boolean).join(' ');
}

const PREFIX = 'maskrcnn-webgpu tuning ';

/** Keeps nothing where there is no localStorage, as in workers, or where it is full. */
export const localTunings: TuningStore = {
  async get(adapter) {
    return readTuning(globalThis.localStorage?.getItem(PREFIX + adapter) ?? '', adapter);
  },
  async set(tuning) {
    try {
      globalThis.localStorage?.setItem(PREFIX + tuning.adapter, JSON.stringify(tuning));
    } catch {
      // a full store costs the next visit its speed, and no more
    }
  },
};

/** A tuning from its JSON; undefined if it is not one, or of another adapter. */
export function readTuning(text: string, adapter: string): Tuning | undefined {
  try {
    const tuning = JSON.parse(text) as Tuning;
    const whole = typeof tuning.algorithms === 'object' && typeof tuning.methods === 'object';
    return tuning.adapter === adapter && whole ? tuning : undefined;
  } catch {
    return undefined;
  }
}

/** What two measurements know together, the later over the earlier. */
export function mergeTunings(earlier: Tuning | undefined, later: Tuning): Tuning {
  return {
    adapter: later.adapter,
    algorithms: { ...earlier?.algorithms, ...later.algorithms },
    methods: { ...earlier?.methods, ...later.methods },
  };
}
