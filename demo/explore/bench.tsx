// The bar above all chapters: which picture, which model, how large the picture enters the network, and how many
// objects leave it.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PlainSource } from '../engine/messages';
import { ModelOptions } from '../model_options';
import { modelOf } from '../models';
import { type OwnModel, ownModel } from '../own_model';
import { openPicture, openSample, type Picture, SAMPLES } from '../pictures';
import { Status } from '../shell/status';
import { tellFault } from '../shell/toasts';
import { defaultExtent, type Extent } from './bench_defaults';
import { keepSettings, setting } from './route';
import { run, start, task } from './run';

/** Short sides to choose from, in pixels; the model's own is what it was trained for. */
const SIDES = [128, 192, 256, 384, 512, 640, 800];
/** Regions that the heads look at: each takes them as long as the others. */
const PROPOSALS = [100, 200, 300, 500, 1000, 2000];
const OBJECTS = [20, 30, 50, 100, 200, 400];
/** In the address: whatever the model has. */
const OWN = 'own';

interface Choice extends Extent {
  model: string;
  /** The visitor's own files, if they are the model. */
  own?: OwnModel | undefined;
  picture?: Picture | undefined;
}

export function Bench() {
  const choice = useSignal<Choice>({
    model: modelOf(setting('model')).id,
    side: numberOf(setting('size')),
    proposals: numberOf(setting('proposals')),
    objects: numberOf(setting('objects')),
  });
  const pictureInput = useRef<HTMLInputElement>(null);
  const modelInput = useRef<HTMLInputElement>(null);
  const asked = useRef(0); // pictures so far
  const taken = useRef(0); // which of them is shown

  const change = (next: Partial<Choice>) => {
    choice.value = { ...choice.value, ...next };
    const { model, own, picture, side, proposals, objects } = choice.value;
    keepSettings({
      model: own ? undefined : model,
      picture: picture?.sample,
      size: side?.toString() ?? OWN,
      proposals: proposals?.toString() ?? OWN,
      objects: objects?.toString() ?? OWN,
    });
    const source: PlainSource = own?.source ?? modelOf(model).source;
    const options = {
      ...(side !== undefined && { minSize: side }),
      ...(proposals !== undefined && { rpnPostNmsTopN: proposals }),
      ...(objects !== undefined && { boxDetectionsPerImg: objects }),
    };
    if (picture) start(source, picture, options);
  };
  /** Of pictures that are opened at the same time the one that was asked for last stays. */
  const take = (opening: Promise<Picture>) => {
    const mine = ++asked.current;
    return opening.then((picture) => {
      if (mine < taken.current) return;
      taken.current = mine;
      change({ picture });
    }, tellFault);
  };
  const sample = (id: string) => take(openSample(id));
  const own = (file: File) => take(openPicture(file, file.name));

  useEffect(() => {
    const ready = defaultExtent().then(({ side, proposals, objects }) => {
      if (setting('size') === undefined) choice.value = { ...choice.value, side };
      if (setting('proposals') === undefined) choice.value = { ...choice.value, proposals };
      if (setting('objects') === undefined) choice.value = { ...choice.value, objects };
      if (asked.current === 0) sample(setting('picture') ?? modelOf(setting('model')).sample);
    });
    return takePictures((file) => ready.then(() => own(file)));
  }, []);

  const { model, own: files, picture, side, proposals, objects } = choice.value;
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
          value={files ? 'own' : model}
          onChange={({ currentTarget: { value } }) => {
            if (value === 'own') modelInput.current?.click();
            else change({ model: value, own: undefined });
          }}
        >
          <ModelOptions />
          <option value="own">{files?.name ?? 'Your own file …'}</option>
        </select>
      </label>
      <Amount
        label="Short side, px"
        options={SIDES}
        value={side}
        onChange={(next) => change({ side: next })}
      />
      <Amount
        label="Proposals, at most"
        options={PROPOSALS}
        value={proposals}
        onChange={(next) => change({ proposals: next })}
      />
      <Amount
        label="Objects, at most"
        options={OBJECTS}
        value={objects}
        onChange={(next) => change({ objects: next })}
      />
      <button type="button" onClick={() => pictureInput.current?.click()}>
        Choose a picture
      </button>
      <button type="button" disabled={!picture || task.work.value !== undefined} onClick={() => change({})}>
        Run again
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
        multiple
        accept=".safetensors,.pth,.pt,.pkl,.pb"
        hidden
        aria-label="Your model"
        onChange={({ currentTarget }) => {
          const chosen = ownModel([...(currentTarget.files ?? [])]);
          if (chosen) change({ own: chosen });
          currentTarget.value = ''; // the same file can be chosen again
        }}
      />
      <Status task={task} idle={summary()} />
    </section>
  );
}

interface AmountProps {
  label: string;
  options: readonly number[];
  /** undefined: the model's own. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
}

function Amount({ label, options, value, onChange }: AmountProps) {
  const all = value === undefined || options.includes(value) ? options : [...options, value];
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value ?? ''} onChange={({ currentTarget }) => onChange(numberOf(currentTarget.value))}>
        <option value="">the model's own</option>
        {all.map((amount) => (
          <option key={amount} value={amount}>
            {amount}
          </option>
        ))}
      </select>
    </label>
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
