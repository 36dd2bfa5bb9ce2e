// The page's side of a run: one picture, one model, one run, and its tensors when a view asks for them.

import { signal } from '@preact/signals';
import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { HostTensor } from '../../src/index';
import { numbered } from '../engine/calls';
import type { Changes, Outcome } from '../engine/changed_run';
import type { ExploreApi, RunConfig } from '../engine/explore_api';
import type { MemoryPlan, NodeInfo, RunInfo } from '../engine/explore_run';
import type { PlainSource } from '../engine/messages';
import type { Picture } from '../pictures';
import { lack } from '../shell/shell';
import { type Report, Task } from '../shell/task';
import { tell, tellFault } from '../shell/toasts';
import { TensorCache } from './tensor_cache';

/** What is being done, for <Status>. */
export const task = new Task();

/** The run that all views show. It becomes another object with every picture, model and size. */
export const run = signal<Run | undefined>(undefined);

// for whoever looks at it from the console, or tests it: `run.value.tensor(label)`
Object.assign(window, { run });

export class Run {
  private readonly tensors: TensorCache;

  constructor(
    readonly info: RunInfo,
    readonly picture: Picture,
    private readonly api: Remote<ExploreApi>,
  ) {
    this.tensors = new TensorCache((key) => {
      const [label, row] = key.split('#') as [string, string?];
      return api.tensor(label, row === undefined ? undefined : Number(row)) as Promise<HostTensor>;
    });
  }

  /** What the run left in a tensor: see `TensorInfo.label`. */
  tensor(label: string): Promise<HostTensor> {
    return this.tensors.get(label);
  }

  /** One index of a tensor's first axis, as [1, …]. */
  row(label: string, row: number): Promise<HostTensor> {
    return this.tensors.get(`${label}#${row}`);
  }

  /** The shader that a node ran. */
  wgsl(node: NodeInfo): Promise<string> {
    return this.api.wgsl(this.info.nodes.indexOf(node)) as Promise<string>;
  }

  /** The text of a kernel, as it can be edited. */
  source(kernel: string): Promise<string> {
    return this.api.source(kernel) as Promise<string>;
  }

  /** The same picture through a changed network, with the tensors of `labels`. Shown as the page's task. */
  changed(what: string, changes: Changes, labels: readonly string[] = []): Promise<Outcome> {
    return task.run(what, (signal, report) => {
      const cancel = (call: number) => this.api.cancel(call);
      const progress = proxy((share: number) => report(what, share));
      return numbered(
        signal,
        cancel,
        (call) => this.api.changed(call, changes, labels, progress) as Promise<Outcome>,
      );
    });
  }

  /** The buffers that the network needs where nothing is kept for looking at. */
  memory(): Promise<MemoryPlan> {
    return this.api.memory() as Promise<MemoryPlan>;
  }

  /** Takes the GPU away, as a driver's crash does: for tests of what the page does then. */
  loseDevice(): Promise<void> {
    return this.api.loseDevice() as Promise<void>;
  }

  node(label: string): NodeInfo | undefined {
    return this.info.nodes.find((node) => node.label === label);
  }
}

const RUNNING = 'Running every layer on the picture';

let api: Remote<ExploreApi> | undefined;
let loaded: PlainSource | undefined;

/** Runs `source` on `picture`; loads it first unless it is there already. Cancels what is under way. */
export async function start(source: PlainSource, picture: Picture, options: RunConfig): Promise<void> {
  try {
    await task.run('Starting', async (signal, report) => {
      const engine = connect();
      const cancel = (call: number) => engine.cancel(call);
      if (loaded !== source) await load(engine, source, signal, report);
      report(RUNNING);
      const sent = await createImageBitmap(picture.bitmap);
      const progress = proxy((share: number) => report(RUNNING, share));
      const info = await numbered(signal, cancel, (call) =>
        engine.run(call, transfer(sent, [sent]) as ImageBitmap, options, progress),
      );
      run.value = new Run(info as RunInfo, picture, engine);
    });
  } catch (error) {
    if ((error as Error).name === 'UnsupportedError') lack.value = (error as Error).message;
    else tellFault(error);
  }
}

async function load(
  engine: Remote<ExploreApi>,
  source: PlainSource,
  signal: AbortSignal,
  report: Report,
): Promise<void> {
  run.value = undefined;
  loaded = undefined;
  report('Loading the model');
  const progress = proxy(({ loaded, total }: { loaded: number; total?: number | undefined }) => {
    if (total && loaded < total) report('Loading the model', loaded / total);
    else report('Compiling the shaders');
  });
  const cancel = (call: number) => engine.cancel(call);
  await numbered(signal, cancel, (call) => engine.load(call, { source }, progress) as Promise<void>);
  loaded = source;
}

function connect(): Remote<ExploreApi> {
  if (api) return api;
  const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), {
    type: 'module',
    name: 'engine',
  });
  worker.addEventListener('error', ({ message }) =>
    tellFault(`the worker failed: ${message || 'no reason given'}`),
  );
  const found = (wrap(worker) as unknown as { explore: Remote<ExploreApi> }).explore;
  found.onLost(
    proxy((message: string) => {
      const source = loaded;
      const shown = run.value;
      loaded = undefined;
      tellFault(`The GPU was lost (${message}). The model is loaded anew.`);
      if (!source || !shown) return;
      const { minSize, rpnPostNmsTopN, boxDetectionsPerImg } = shown.info.config;
      start(source, shown.picture, { minSize, rpnPostNmsTopN, boxDetectionsPerImg }).then(() => {
        if (run.value && run.value !== shown) tell('The GPU is back, and the picture has run again.');
      });
    }),
  );
  api = found;
  return found;
}
