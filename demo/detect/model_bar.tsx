// Which model looks: ours, a published one, or the visitor's own file; in what resolution and precision.

import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { ModelOptions } from '../model_options';
import { addressOf, ELSEWHERE } from '../models';
import { Status } from '../shell/status';
import { again, chooseAddress, chooseModel, chooseOwnModel, chosenModel, loadModel } from './actions';
import { AddressForm } from './address_form';
import { ModelFacts } from './model_facts';
import type { Settings } from './settings_url';
import { engine, live, ownModel, picture, result, set, settings, task } from './state';
import { milliseconds } from './units';

const SIZES = [256, 320, 480, 640, 800];

export function ModelBar() {
  const file = useRef<HTMLInputElement>(null);
  const asking = useSignal(settings.value.model === ELSEWHERE.id);
  useSignalEffect(() => {
    if (ownModel.value) asking.value = false; // a file was picked or dropped
  });
  const own = ownModel.value;
  const row = chosenModel();
  const { size, precision, weights } = settings.value;
  const publishedAt = own ? undefined : addressOf(row);
  const change = (next: Partial<Settings>) => {
    set(next);
    void loadModel();
  };
  const choose = (select: HTMLSelectElement) => {
    asking.value = select.value === ELSEWHERE.id;
    if (select.value === 'own') {
      file.current!.click();
      select.value = own ? 'own' : row.id; // until a file is picked
    } else if (!asking.value) void chooseModel(select.value);
  };
  return (
    <section class="card model" aria-label="Model">
      <label class="field">
        <span>Model</span>
        <select
          id="model"
          value={asking.value ? ELSEWHERE.id : own ? 'own' : row.id}
          onChange={({ currentTarget }) => choose(currentTarget)}
        >
          <ModelOptions />
          <optgroup label={ELSEWHERE.group}>
            <option value={ELSEWHERE.id}>{ELSEWHERE.title}</option>
            <option value="own">{own ? own.name : 'My own file…'}</option>
          </optgroup>
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
      {asking.value && (
        <AddressForm
          label="Address of a .safetensors, .pth or .pkl"
          value={weights ?? ''}
          onSubmit={(address) => void chooseAddress(ELSEWHERE.id, address)}
        />
      )}
      <Status task={task} idle={idle()} />
      {!task.work.value && !result.value && !live.value && picture.value && (
        <button type="button" class="primary" onClick={again}>
          {engine.model.value ? 'Find objects' : 'Load the model'}
        </button>
      )}
      <details>
        <summary>About this model</summary>
        <div class="row">
          <label class="field">
            <span>Shorter side</span>
            <select
              value={size ?? ''}
              onChange={({ currentTarget: { value } }) => change({ size: value ? Number(value) : undefined })}
            >
              <option value="">
                its own{engine.model.value && !size ? ` (${engine.model.value.minSize})` : ''}
              </option>
              {[...new Set([...SIZES, size ?? SIZES[0]!])].map((side) => (
                <option key={side} value={side}>
                  {side} px
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Numbers</span>
            <select
              value={precision}
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
        {publishedAt && (
          <AddressForm
            label="Fetch it from"
            value={weights ?? ''}
            placeholder={publishedAt}
            onSubmit={(address) => void chooseAddress(row.id, address)}
          />
        )}
        <ModelFacts />
      </details>
    </section>
  );
}

function idle(): string {
  if (result.value) return `Done in ${milliseconds(result.value.timing.runMs)}`;
  return engine.model.value ? 'Ready' : 'No model is loaded';
}
