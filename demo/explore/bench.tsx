// The bar above all chapters: which picture, which model, how large the picture enters the network.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PlainSource } from '../engine/messages';
import { ModelOptions } from '../model_options';
import { modelOf } from '../models';
import { openPicture, openSample, type Picture, SAMPLES } from '../pictures';
import { Status } from '../shell/status';
import { tellFault } from '../shell/toasts';
import { keepSettings, setting } from './route';
import { run, start, task } from './run';

/** Short sides to choose from, in pixels; the model's own is what it was trained for. */
const SIDES = [128, 192, 256, 384, 512, 640, 800];

interface Choice {
  model: string;
  /** The visitor's own file, if that is the model. */
  file?: File | undefined;
  picture?: Picture | undefined;
  side?: number | undefined;
}

export function Bench() {
  const choice = useSignal<Choice>({ model: modelOf(setting('model')).id, side: numberOf(setting('size')) });
  const pictureInput = useRef<HTMLInputElement>(null);
  const modelInput = useRef<HTMLInputElement>(null);

  const change = (next: Partial<Choice>) => {
    choice.value = { ...choice.value, ...next };
    const { model, file, picture, side } = choice.value;
    keepSettings({ model: file ? undefined : model, picture: picture?.sample, size: side?.toString() });
    const source: PlainSource = file ?? modelOf(model).source;
    if (picture) start(source, picture, side);
  };
  const sample = (id: string) => openSample(id).then((picture) => change({ picture }), tellFault);
  const own = (file: File) => openPicture(file, file.name).then((picture) => change({ picture }), tellFault);

  useEffect(() => {
    sample(setting('picture') ?? modelOf(setting('model')).sample);
    return takePictures(own);
  }, []);

  const { model, file, picture, side } = choice.value;
  return (
    <section class="bench" aria-label="What is run">
      <label class="field">
        <span>Picture</span>
        <select
          value={picture?.sample ?? 'own'}
          onChange={({ currentTarget: { value } }) => {
            if (value === 'own') pictureInput.current?.click();
            else sample(value);
          }}
        >
          {SAMPLES.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
          <option value="own">{picture && !picture.sample ? picture.name : 'Your own …'}</option>
        </select>
      </label>
      <label class="field">
        <span>Model</span>
        <select
          value={file ? 'own' : model}
          onChange={({ currentTarget: { value } }) => {
            if (value === 'own') modelInput.current?.click();
            else change({ model: value, file: undefined });
          }}
        >
          <ModelOptions />
          <option value="own">{file?.name ?? 'Your own file …'}</option>
        </select>
      </label>
      <label class="field">
        <span>Short side, px</span>
        <select
          value={side ?? ''}
          onChange={({ currentTarget: { value } }) => change({ side: numberOf(value) })}
        >
          <option value="">the model's own</option>
          {SIDES.map((pixels) => (
            <option key={pixels} value={pixels}>
              {pixels}
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={() => pictureInput.current?.click()}>
        Choose a picture
      </button>
      <input
        ref={pictureInput}
        type="file"
        accept="image/*"
        hidden
        aria-label="Your picture"
        onChange={({ currentTarget: { files } }) => files?.[0] && own(files[0])}
      />
      <input
        ref={modelInput}
        type="file"
        accept=".safetensors,.pth,.pt,.pkl"
        hidden
        aria-label="Your model"
        onChange={({ currentTarget: { files } }) => files?.[0] && change({ file: files[0] })}
      />
      <Status task={task} idle={summary()} />
    </section>
  );
}

/** What the last run was, in a line. */
function summary(): string | undefined {
  const info = run.value?.info;
  if (!info) return undefined;
  const { picture, resized, nodes, runMs, adapter } = info;
  const took = runMs < 10_000 ? `${runMs.toFixed()} ms` : `${(runMs / 1000).toFixed(1)} s`;
  return (
    `${picture.width} × ${picture.height} px, resized to ${resized.width} × ${resized.height}; ` +
    `${nodes.length} nodes in ${took}${adapter ? ` on ${adapter}` : ''}`
  );
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

/** Pictures that are dropped or pasted anywhere; returns what ends it. */
function takePictures(take: (file: File) => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const first = (data: DataTransfer | null) => {
    const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'));
    if (file) take(file);
  };
  document.addEventListener('dragover', (event) => event.preventDefault(), { signal });
  document.addEventListener('paste', ({ clipboardData }) => first(clipboardData), { signal });
  document.addEventListener(
    'drop',
    (event) => {
      event.preventDefault();
      first(event.dataTransfer);
    },
    { signal },
  );
  return () => controller.abort();
}
