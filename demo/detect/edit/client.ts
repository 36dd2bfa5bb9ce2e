// The page's side of the worker of edits: made when the first edit is asked for, ended when one is cancelled.

import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { Detection } from '../../../src/index';
import type { Background } from './background';
import type { Edits } from './worker';

let worker: Worker | undefined;
let edits: Remote<Edits> | undefined;

/** What `work` asks of the worker; a signal ends the worker, the only way to stop a computation. */
async function ask<T>(signal: AbortSignal, work: (edits: Remote<Edits>) => Promise<T>): Promise<T> {
  worker ??= new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'edits' });
  edits ??= wrap<Edits>(worker);
  const stop = () => {
    worker?.terminate();
    worker = undefined;
    edits = undefined;
  };
  signal.addEventListener('abort', stop);
  try {
    return await work(edits);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function masksOf(detections: readonly Detection[]) {
  return detections.flatMap(({ mask }) => (mask ? [mask.source] : []));
}

export function cutOut(bitmap: ImageBitmap, { mask }: Detection, signal: AbortSignal): Promise<Blob> {
  return ask(signal, async (edits) => {
    const copy = await createImageBitmap(bitmap);
    return edits.cutOut(transfer(copy, [copy]), mask!.source);
  });
}

export function changeBackground(
  bitmap: ImageBitmap,
  detections: readonly Detection[],
  change: Background,
  signal: AbortSignal,
): Promise<ImageBitmap> {
  return ask(signal, async (edits) => {
    const copy = await createImageBitmap(bitmap);
    return edits.background(transfer(copy, [copy]), masksOf(detections), change);
  });
}

export function erase(
  bitmap: ImageBitmap,
  detections: readonly Detection[],
  report: (share: number) => void,
  signal: AbortSignal,
): Promise<ImageBitmap> {
  return ask(signal, async (edits) => {
    const copy = await createImageBitmap(bitmap);
    return edits.erase(transfer(copy, [copy]), masksOf(detections), proxy(report));
  });
}

export function maskPngs(
  masks: readonly { name: string; detection: Detection }[],
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return ask(signal, (edits) =>
    edits.maskPngs(
      masks.flatMap(({ name, detection: { mask } }) => (mask ? [{ name, mask: mask.source }] : [])),
    ),
  );
}
