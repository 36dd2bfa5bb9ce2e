// Which model looks: ours, a published one, or the visitor's own file; in what resolution and precision.

import { useRef } from 'preact/hooks';
import { MODELS, modelOf } from '../models';
import { Status } from '../shell/status';
import { chooseModel, chooseOwnModel, loadModel } from './actions';
import type { Settings } from './settings_url';
import { engine, ownModel, result, set, settings, task } from './state';

const SIZES = [256, 320, 480, 640, 800];

export function ModelBar() {
  const file = useRef<HTMLInputElement>(null);
  const own = ownModel.value;
  const row = modelOf(settings.value.model);
  const change = (next: Partial<Settings>) => {
    set(next);
    void loadModel();
  };
  return (
    <section class="card model" aria-label="Model">
      <label class="field">
        <span>Model</span>
        <select
          id="model"
          value={own ? 'own' : row.id}
          onChange={({ currentTarget }) => {
            if (currentTarget.value === 'own') file.current!.click();
            else void chooseModel(currentTarget.value);
          }}
        >
          {MODELS.map(({ id, title, megabytes }) => (
            <option key={id} value={id}>
              {title}, {megabytes} MB
            </option>
          ))}
          <option value="own">{own ? own.name : 'My own file…'}</option>
        </select>
      </label>
      <input
        ref={file}
        id="weights"
        type="file"
        multiple
        hidden
        accept=".safetensors,.pth,.pt,.pkl,.pb"
        aria-label="Model file"
        onChange={({ currentTarget }) => {
          void chooseOwnModel([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      <Status task={task} idle={idle()} />
      <details>
        <summary>About this model</summary>
        <div class="row">
          <label class="field">
            <span>Shorter side</span>
            <select
              value={settings.value.size ?? ''}
              onChange={({ currentTarget: { value } }) => change({ size: value ? Number(value) : undefined })}
            >
              <option value="">
                its own{engine.model.value && !settings.value.size ? ` (${engine.model.value.minSize})` : ''}
              </option>
              {[...new Set([...SIZES, settings.value.size ?? SIZES[0]!])].map((size) => (
                <option key={size} value={size}>
                  {size} px
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Numbers</span>
            <select
              value={settings.value.precision}
              onChange={({ currentTarget: { value } }) =>
                change({ precision: value as Settings['precision'] })
              }
            >
              <option value="f32">float32</option>
              <option value="f16">halves (float16)</option>
              <option value="auto">halves where that is faster</option>
            </select>
          </label>
        </div>
        <Facts />
      </details>
    </section>
  );
}

function idle(): string {
  if (result.value) return `Done in ${milliseconds(result.value.timing.runMs)}`;
  return engine.model.value ? 'Ready' : 'No model is loaded';
}

function Facts() {
  const info = engine.model.value;
  if (!info) return null;
  const own = ownModel.value;
  const row = modelOf(settings.value.model);
  const rows: [term: string, value: string][] = [
    ['Architecture', info.architecture + (info.hasMasks ? '' : ', without masks')],
    ['Finds', own ? `${Math.max(0, info.classes.length - 1) || 'unnamed'} classes` : row.finds],
    ['Parameters', `${(info.parameters / 1e6).toFixed(1)} million`],
    ['Loaded in', milliseconds(info.loadMs)],
    ['Adapter', info.adapter],
    ...(own ? [] : ([['Licence', row.licence]] as [string, string][])),
  ];
  return (
    <dl class="facts">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function milliseconds(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
