// The page's side of the worker: the model that is loaded, as a signal, and what can be asked of it. When the GPU's
// device is lost, the model is loaded anew, and the visitor is told.

import { signal } from '@preact/signals';
import { proxy, type Remote, transfer, wrap } from 'comlink';
import { type LayerRow, Mask } from '../../src/index';
import { lack } from '../shell/shell';
import type { Report } from '../shell/task';
import { clearFaults, tell, tellFault } from '../shell/toasts';
import { numbered } from './calls';
import type { LoadProgress, LoadRequest, ModelInfo, PlainResult, Result, RunOptions } from './messages';
import type { Concerns } from './worker';

type Api = { [Concern in keyof Concerns]: Remote<Concerns[Concern]> };

/** Owns one worker. Pages make one, and keep it. */
export class Engine {
  /** What the worker's concerns offer, each call a promise. */
  readonly api: Api;
  /** The model that is ready. It becomes another object whenever it is loaded, also after a loss. */
  readonly model = signal<ModelInfo | undefined>(undefined);
  private request: LoadRequest | undefined;

  /** `reload` does a load of the page's, with its progress shown. */
  constructor(
    private readonly reload: (load: (signal?: AbortSignal, report?: Report) => Promise<unknown>) => void,
  ) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engine' });
    worker.addEventListener('error', ({ message }) =>
      tellFault(`the worker failed: ${message || 'no reason given'}`),
    );
    this.api = wrap<Concerns>(worker) as unknown as Api; // Comlink's types know no objects within objects
    this.api.detect.onLost(proxy((message: string) => this.recover(message)));
  }

  /** Loads a model in place of the one before. `report` shows the progress in words. */
  async load(request: LoadRequest, signal?: AbortSignal, report?: Report): Promise<ModelInfo> {
    this.request = request;
    this.model.value = undefined;
    const progress = ({ loaded, total }: LoadProgress) => {
      if (total && loaded >= total) report?.('Compiling the shaders');
      else {
        const about = request.megabytes && 1e6 * request.megabytes;
        const share = total ? loaded / total : about && Math.min(1, loaded / about);
        report?.(`Loading the model: ${megabytes(loaded, total, about)}`, share);
      }
    };
    report?.('Loading the model');
    const cancel = (call: number) => this.api.detect.cancel(call);
    try {
      const info = await numbered(signal, cancel, (call) =>
        this.api.detect.load(call, request, proxy(progress)),
      );
      this.model.value = info;
      return info;
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'UnsupportedError' && /navigator\.gpu|no GPU adapter/.test(message)) lack.value = message;
      throw error;
    }
  }

  /** Finds objects in a picture, which is left as it is unless `give` says that it may be closed. */
  async detect(
    image: ImageBitmap | VideoFrame,
    options: RunOptions = {},
    signal?: AbortSignal,
    give = false,
  ): Promise<Result> {
    const sent = give ? image : await copied(image);
    const cancel = (call: number) => this.api.detect.cancel(call);
    const result = await numbered(signal, cancel, (call) =>
      this.api.detect.run(call, transfer(sent, [sent]), options),
    );
    return withMasks(result);
  }

  /** A row for each node of the network for pictures of this size. */
  describe(height: number, width: number, options: { masks?: boolean } = {}): Promise<LayerRow[]> {
    return this.api.detect.describe(height, width, options);
  }

  private recover(message: string): void {
    const { request } = this;
    this.model.value = undefined;
    if (!request) return;
    tellFault(`The GPU was lost (${message}). The model is loaded anew.`);
    this.reload(async (signal, report) => {
      await this.load(request, signal, report);
      clearFaults();
      tell('The GPU is back, and the model is loaded.');
    });
  }
}

function copied(image: ImageBitmap | VideoFrame): Promise<ImageBitmap> | VideoFrame {
  return 'clone' in image ? image.clone() : createImageBitmap(image);
}

function withMasks({ detections, ...rest }: PlainResult): Result {
  return {
    ...rest,
    detections: detections.map(({ mask, ...found }) => ({ ...found, ...(mask && { mask: new Mask(mask) }) })),
  };
}

function megabytes(loaded: number, total: number | undefined, about: number | undefined): string {
  const of = (bytes: number) => (bytes / 1e6).toFixed(1);
  if (total) return `${of(loaded)} of ${of(total)} MB`;
  return about ? `${of(loaded)} of about ${of(about)} MB` : `${of(loaded)} MB`;
}
