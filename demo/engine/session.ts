// The worker's model, one at most: loading another frees it. A lost device is told to whoever listens.

import { DeviceLostError, MaskRCNN } from '../../src/index';
import type { LoadProgress, LoadRequest } from './messages';

export class Session {
  private model: MaskRCNN | undefined;
  private loading: AbortController | undefined;
  private tellLost: (message: string) => void = () => {};

  /** The model. Throws DeviceLostError where there is none. */
  get current(): MaskRCNN {
    if (!this.model) throw new DeviceLostError('no model is loaded: choose one');
    return this.model;
  }

  /** Loads a model in place of the one that is there; a load that is under way gives up. */
  async load(
    { source, url, minSize, maxSize, precision }: LoadRequest,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<MaskRCNN> {
    this.loading?.abort();
    this.destroy();
    const superseded = new AbortController();
    this.loading = superseded;
    const model = await MaskRCNN.load(source, {
      ...(url && { url }),
      ...(minSize !== undefined && { minSize }),
      ...(maxSize !== undefined && { maxSize }),
      ...(precision && { precision }),
      onProgress,
      signal: AbortSignal.any([signal, superseded.signal]),
    });
    if (superseded.signal.aborted) model.destroy();
    superseded.signal.throwIfAborted();
    this.model = model;
    model.device.lost.then(({ message, reason }) => {
      if (this.model !== model) return; // it was freed on purpose
      this.destroy();
      this.tellLost(message || reason || 'no reason was given');
    });
    return model;
  }

  /** Calls `listener` when the device is lost; a model that is freed by `destroy` is not. */
  onLost(listener: (message: string) => void): void {
    this.tellLost = listener;
  }

  destroy(): void {
    const { model } = this;
    this.model = undefined;
    model?.destroy();
  }
}
