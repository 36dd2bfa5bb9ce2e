// maskrcnn-webgpu: entry for Node. The browser's API, plus files from disk and a device from Dawn.

import { fileSource } from './file_source';
import { type LoadOptions, loadParts, MaskRCNN as MaskRCNNBase } from './mask_rcnn';
import { openDevice } from './node_device';
import { fileTunings } from './node_tuning';
import type { WeightSource } from './weights/byte_source';

export { fileSource } from './file_source';
export * from './index';
export { openDevice } from './node_device';
export { readImage } from './node_image';

/** As in the browser; a string that is no URL is a path, and the device is Dawn's by default. */
export class MaskRCNN extends MaskRCNNBase {
  static override async load(source: WeightSource, options: LoadOptions = {}): Promise<MaskRCNN> {
    const isPath = typeof source === 'string' && !/^(https?|data|blob):/.test(source);
    const isFile = source instanceof URL && source.protocol === 'file:';
    const bytes = isPath || isFile ? fileSource(source as string | URL) : source;
    const device = options.device ?? (await openDevice());
    const loaded = await loadParts(bytes, { ...options, device }, fileTunings);
    return new MaskRCNN(loaded, fileTunings);
  }
}
