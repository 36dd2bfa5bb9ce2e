// maskrcnn-webgpu: entry for Node. The browser's API, plus files from disk and a device from Dawn.

import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileSource } from './file_source';
import { type LoadOptions, loadParts, openModel as openModelBase } from './load';
import { MaskRCNN as MaskRCNNBase } from './mask_rcnn';
import { openDevice } from './node_device';
import { nodeFolder } from './node_folder';
import { fileTunings } from './node_tuning';
import type { ByteSource, WeightSource } from './weights/byte_source';
import {
  type Caffe2Files,
  type FetchedOptions,
  type ModelSource,
  type OpenOptions,
  publishedMetadata,
} from './weights/model_source';
import { REGISTRY } from './weights/registry';

export { fileSource } from './file_source';
export * from './index';
export { openDevice } from './node_device';
export { readImage } from './node_image';

/**
 * As in the browser; a string that is neither URL nor a published model's name is a path, of a folder for Caffe2's
 * two files. The device is Dawn's by default.
 */
export class MaskRCNN extends MaskRCNNBase {
  static override async load(source: ModelSource, options: LoadOptions = {}): Promise<MaskRCNN> {
    const device = options.device ?? (await openDevice());
    const loaded = await loadParts(located(source, options), { ...options, device }, fileTunings, nodeFolder);
    return new MaskRCNN(loaded, fileTunings);
  }
}

/** As in the browser, and of what is at a path. */
export function openModel(source: ModelSource, options: OpenOptions = {}): Promise<WeightSource> {
  return openModelBase(located(source, options), options, nodeFolder);
}

/** `options.url` may be a path too: then it stands for the published model's address. */
function located(source: ModelSource, { url }: FetchedOptions): ModelSource {
  const path = pathOf(url ?? source);
  if (path === undefined) return source;
  const found = modelAt(path);
  const metadata = publishedMetadata(String(source), path);
  return metadata && 'read' in found ? { ...found, metadata } : found;
}

function pathOf(source: ModelSource): string | undefined {
  if (source instanceof URL) return source.protocol === 'file:' ? fileURLToPath(source) : undefined;
  if (typeof source !== 'string') return undefined;
  if (source.startsWith('file:')) return fileURLToPath(source);
  return /^(https?|data|blob):/.test(source) || REGISTRY.has(source) ? undefined : source;
}

/** A folder holds Caffe2's files, and a .pb is one of them. */
function modelAt(path: string): ByteSource | Caffe2Files {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder && !path.endsWith('.pb')) return fileSource(path);
  const folder = isFolder ? path : dirname(path);
  return { net: fileSource(join(folder, 'model.pb')), init: fileSource(join(folder, 'model_init.pb')) };
}
