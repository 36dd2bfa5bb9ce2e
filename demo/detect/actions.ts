// What the visitor can ask for: another picture, another model. When both are there, the network looks at it.

import { effect, untracked } from '@preact/signals';
import type { PlainSource } from '../engine/messages';
import { MODELS, modelOf } from '../models';
import { openPicture, openSample, type Picture, SAMPLES } from '../pictures';
import { clearFaults, tellFault } from '../shell/toasts';
import {
  engine,
  erased,
  history,
  hovered,
  live,
  ownModel,
  picture,
  result,
  selected,
  set,
  settings,
  task,
  tracks,
} from './state';

/** Loads the model that the settings mean, as they are now. */
export async function loadModel(): Promise<void> {
  const { model, size, precision } = settings.value;
  const source = ownModel.value?.source ?? modelOf(model).source;
  const sides = size === undefined ? {} : { minSize: size, maxSize: Math.round((size * 5) / 3) };
  result.value = undefined;
  try {
    await task.run('Loading the model', (signal, report) =>
      engine.load({ source, precision, ...sides }, signal, report),
    );
  } catch (error) {
    tellFault(error);
  }
}

/** A row of MODELS, with its sample picture where the picture is a sample too. */
export async function chooseModel(id: string): Promise<void> {
  clearFaults();
  ownModel.value = undefined;
  set({ model: id, hidden: [] });
  const loading = loadModel();
  if (picture.value?.sample && !live.value) await chooseSample(modelOf(id).sample);
  await loading;
}

/** The visitor's own files: one, or Caffe2's two (`model.pb`, `model_init.pb`). */
export async function chooseOwnModel(files: readonly File[]): Promise<void> {
  const [first] = files;
  if (!first) return;
  clearFaults();
  const init = files.find(({ name }) => /init\.pb$/.test(name));
  const net = files.find((file) => file !== init && file.name.endsWith('.pb'));
  const source: PlainSource = init && net ? { net, init } : first;
  ownModel.value = { name: first.name, source };
  set({ hidden: [] });
  await loadModel();
}

export async function chooseSample(id: string): Promise<void> {
  set({ picture: id });
  await take(() => openSample(id));
}

/** The visitor's own picture. */
export function choosePicture(blob: Blob, name: string): Promise<void> {
  return take(() => openPicture(blob, name));
}

/** Shows a picture in place of the one before. */
export function show(next: Picture): void {
  result.value = undefined;
  tracks.value = undefined;
  hovered.value = undefined;
  selected.value = new Set();
  erased.value = new Set();
  history.value = [];
  picture.value = next;
}

let asked = 0; // pictures so far; of two, the later one is meant

async function take(open: () => Promise<Picture>): Promise<void> {
  const mine = ++asked;
  clearFaults();
  try {
    const next = await open();
    if (mine === asked && !live.value) show(next);
  } catch (error) {
    tellFault(error);
  }
}

/** The network looks at the picture. */
export async function look(): Promise<void> {
  const { value } = picture;
  if (!value) return;
  try {
    const found = await task.run('Looking at the picture', (signal) =>
      engine.detect(value.bitmap, { measure: true }, signal),
    );
    if (picture.value === value) result.value = found;
  } catch (error) {
    if ((error as Error).name !== 'DeviceLostError') tellFault(error); // else it is loaded anew, and looks again
  }
}

/** Begins with what the address means; looks whenever a picture and a model are there that have not met. */
export function begin(): void {
  const { model, picture: sample } = settings.value;
  if (!MODELS.some(({ id }) => id === model)) set({ model: MODELS[0]!.id });
  const known = SAMPLES.some(({ id }) => id === sample);
  void chooseSample(known ? sample : modelOf(model).sample);
  void loadModel();
  effect(() => {
    if (engine.model.value && picture.value && !live.value && untracked(() => !result.value)) void look();
  });
}
