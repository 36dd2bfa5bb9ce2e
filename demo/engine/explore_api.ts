// What the worker does for the page Explore: a model whose every layer is one node, and its last run, taken apart.

import { transfer } from 'comlink';
import { DeviceLostError } from '../../src/errors';
import type { HostTensor } from '../../src/graph/program';
import type { ConfigOptions } from '../../src/model/config';
import { Calls } from './calls';
import type { Changes, Outcome } from './changed_run';
import { ExploreModel, type ExploreRun, type MemoryPlan, type OnProgress, type RunInfo } from './explore_run';
import type { LoadProgress, LoadRequest } from './messages';

/** What of the model's configuration the visitor may set: the resized short side, and how many regions at most. */
export type RunConfig = Pick<ConfigOptions, 'minSize' | 'rpnPostNmsTopN' | 'boxDetectionsPerImg'>;

export class ExploreApi {
  private readonly calls = new Calls();
  private model: ExploreModel | undefined;
  private last: ExploreRun | undefined;
  private tellLost: (message: string) => void = () => {};

  /** Loads a model in place of the one before. Throws what MaskRCNN.load does. */
  load(call: number, { source }: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<void> {
    return this.calls.run(call, async (signal) => {
      this.free();
      const model = await ExploreModel.load(source, { onProgress, signal });
      this.free(); // what another call has loaded meanwhile
      this.model = model;
      model.parts.device.lost.then(({ message, reason }) => {
        if (this.model !== model) return; // it was freed on purpose
        this.free();
        this.tellLost(message || reason || 'no reason was given');
      });
    });
  }

  /** Runs on a picture, which it closes, and forgets the run before once this one is done. */
  run(call: number, picture: ImageBitmap, options: RunConfig, onProgress: OnProgress): Promise<RunInfo> {
    return this.calls.run(call, async (signal) => {
      try {
        signal.throwIfAborted();
        if (!this.model) throw new DeviceLostError('no model is loaded: choose one');
        const run = await this.model.run(picture, options, unless(signal, onProgress));
        if (signal.aborted) run.destroy();
        signal.throwIfAborted();
        this.last?.destroy();
        this.last = run;
        return run.info;
      } finally {
        picture.close();
      }
    });
  }

  /** A tensor of the last run, by its label; or one row of it. */
  async tensor(label: string, row?: number): Promise<HostTensor> {
    const tensor = await this.current.tensor(label, row);
    return transfer(tensor, [tensor.data.buffer]);
  }

  /** The WGSL that node `index` of the last run has run. */
  wgsl(index: number): string {
    return this.current.wgsl(index);
  }

  /** The text of a kernel of the last run. */
  source(kernel: string): string {
    return this.current.source(kernel);
  }

  /** The last run's picture through a changed network; the last run stays what it is. */
  changed(
    call: number,
    changes: Changes,
    labels: readonly string[],
    onProgress: OnProgress,
  ): Promise<Outcome> {
    return this.calls.run(call, async (signal) => {
      const outcome = await this.current.changed(changes, labels, unless(signal, onProgress));
      signal.throwIfAborted();
      return outcome;
    });
  }

  memory(): MemoryPlan {
    return this.current.memory;
  }

  cancel(call: number): void {
    this.calls.cancel(call);
  }

  /** Takes the GPU away, as a driver's crash does: for tests of what the page does then. */
  loseDevice(): void {
    this.model?.parts.device.destroy();
  }

  onLost(listener: (message: string) => void): void {
    this.tellLost = listener;
  }

  private get current(): ExploreRun {
    if (!this.last) throw new DeviceLostError('there is no run to look into: choose a picture');
    return this.last;
  }

  private free(): void {
    const { model, last } = this;
    [this.model, this.last] = [undefined, undefined];
    last?.destroy();
    model?.destroy();
  }
}

/** Tells the page how far a run is, and ends it when it is cancelled. */
function unless(signal: AbortSignal, onProgress: OnProgress): OnProgress {
  return (share) => {
    signal.throwIfAborted();
    onProgress(share);
  };
}
