// What the visitor can ask for: another picture, another model. When both are there, the network looks at it.

import { batch, effect, untracked } from '@preact/signals';
import type { PlainSource } from '../engine/messages';
import { addressOf, ELSEWHERE, MODELS, type ModelRow, modelOf } from '../models';
import { openPicture, openSample, type Picture, SAMPLES } from '../pictures';
import { lack } from '../shell/shell';
import { clearFaults, tellFault } from '../shell/toasts';
import { DEFAULTS, fromHash, type Settings } from './settings_url';
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

/** The row of the model that is meant. */
export function chosenModel(): ModelRow {
  const { model } = settings.value;
  return model === ELSEWHERE.id ? ELSEWHERE : modelOf(model);
}

/** Loads the model that the settings mean, as they are now. */
export async function loadModel(): Promise<void> {
  const { weights, size, precision } = settings.value;
  const row = chosenModel();
  const url = weights && new URL(weights, location.href).href; // the worker has another address
  const source = ownModel.value?.source ?? (row.source || url!);
  const megabytes = url || ownModel.value ? undefined : row.megabytes;
  const sides = size === undefined ? {} : { minSize: size, maxSize: Math.round((size * 5) / 3) };
  result.value = undefined;
  try {
    await task.run('Loading the model', (signal, report) =>
      engine.load({ source, url, megabytes, precision, ...sides }, signal, report),
    );
  } catch (error) {
    if (lack.value === undefined)
      tellFault(withAdvice(error as Error, ownModel.value ? undefined : addressOf(row)));
  }
}

/** Publishers need not let pages of other sites fetch their files. */
function withAdvice(error: Error, address: string | undefined): Error {
  if (!address || !/no answer|HTTP status/.test(error.message)) return error;
  return new Error(`${error.message}. Or download ${address} yourself, and drop the file here.`, {
    cause: error,
  });
}

/** A row of MODELS, with its sample picture where the picture is a sample too. */
export async function chooseModel(id: string): Promise<void> {
  clearFaults();
  ownModel.value = undefined;
  set({ model: id, weights: undefined, hidden: [] });
  const loading = loadModel();
  if (picture.value?.sample && !live.value) await chooseSample(modelOf(id).sample);
  await loading;
}

/** A file at `address`: that of the published model which is chosen, or, with ELSEWHERE's id, of whatever it is. */
export async function chooseAddress(id: string, address: string): Promise<void> {
  clearFaults();
  ownModel.value = undefined;
  set({ model: id, weights: address || undefined, hidden: [] });
  await loadModel();
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
  set({ weights: undefined, hidden: [] });
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

/** Shows a picture in place of the one before; a camera or a video ends. */
export function show(next: Picture): void {
  batch(() => {
    live.value = undefined;
    result.value = undefined;
    tracks.value = undefined;
    hovered.value = undefined;
    selected.value = new Set();
    erased.value = new Set();
    history.value = [];
    picture.value = next;
  });
}

let asked = 0; // pictures, cameras and videos so far

/** To be called before one is opened: of two at a time the later is meant, and this tells whether it still is. */
export function ask(): () => boolean {
  const mine = ++asked;
  return () => mine === asked;
}

async function take(open: () => Promise<Picture>): Promise<void> {
  const isLast = ask();
  clearFaults();
  try {
    const next = await open();
    if (isLast()) show(next);
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
    if (picture.value !== value) return;
    batch(() => {
      result.value = found;
      selected.value = new Set();
      erased.value = new Set();
    });
  } catch (error) {
    if ((error as Error).name !== 'DeviceLostError') tellFault(error); // else it is loaded anew, and looks again
  }
}

/** Goes on after something was cancelled, or failed. */
export function again(): Promise<void> {
  clearFaults();
  return engine.model.value ? look() : loadModel();
}

/** Begins with what the address means; looks whenever a picture and a model are there that have not met. */
export function begin(): void {
  settings.value = possible(settings.value);
  void chooseSample(settings.value.picture);
  void loadModel();
  window.addEventListener('hashchange', follow);
  effect(() => {
    if (engine.model.value && picture.value && !live.value && untracked(() => !result.value)) void look();
  });
}

/** Without rows that there are not. */
function possible(wanted: Settings): Settings {
  const known = [
    ...MODELS.flatMap(({ id, source }) => [id, source]),
    ...(wanted.weights ? [ELSEWHERE.id] : []),
  ];
  const model = known.includes(wanted.model) ? wanted.model : DEFAULTS.model;
  const sampled = SAMPLES.some(({ id }) => id === wanted.picture);
  return { ...wanted, model, picture: sampled ? wanted.picture : modelOf(model).sample };
}

/** The visitor has changed the address, or gone back. */
function follow(): void {
  const before = settings.value;
  const now = possible(fromHash(location.hash));
  settings.value = now;
  if (now.picture !== before.picture) void chooseSample(now.picture);
  if ((['model', 'weights', 'size', 'precision'] as const).some((name) => now[name] !== before[name])) {
    ownModel.value = undefined;
    void loadModel();
  }
}
