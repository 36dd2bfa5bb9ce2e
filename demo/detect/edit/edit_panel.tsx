// Instance-aware editing: cut out, blur or recolour the background, erase; on what is selected, else on all that is
// shown. Every edit can be taken back.

import { batch, signal } from '@preact/signals';
import { Status } from '../../shell/status';
import { type Report, Task } from '../../shell/task';
import { tellFault } from '../../shell/toasts';
import { stem } from '../exports';
import { save } from '../save';
import { erased, history, meant, picture, result, selected } from '../state';
import type { Background } from './background';
import { changeBackground, cutOut, erase } from './client';

const task = new Task();
const radius = signal(12); // kept while other tabs are shown
const colour = signal('#12b886');

export function EditPanel() {
  const masked = meant.value.filter(({ detection }) => detection.mask);
  const detections = masked.map(({ detection }) => detection);
  const none = masked.length === 0;

  const edit = async (
    text: string,
    work: (bitmap: ImageBitmap, signal: AbortSignal, report: Report) => Promise<ImageBitmap>,
  ) => {
    const before = picture.value!;
    const kept = { bitmap: before.bitmap, result: result.value, erased: erased.value };
    try {
      const bitmap = await task.run(text, (signal, report) => work(before.bitmap, signal, report));
      if (picture.value !== before) return false;
      history.value = [...history.value, kept];
      picture.value = { ...before, bitmap };
      return true;
    } catch (error) {
      tellFault(error);
      return false;
    }
  };
  const background = (text: string, change: Background) =>
    edit(text, (bitmap, signal) => changeBackground(bitmap, detections, change, signal));
  const eraseThem = async () => {
    const ids = masked.map(({ id }) => id);
    const done = await edit('Erasing', (bitmap, signal, report) =>
      erase(bitmap, detections, (share) => report('Erasing', share), signal),
    );
    if (!done) return;
    erased.value = new Set([...erased.value, ...ids]);
    selected.value = new Set();
  };
  const cut = async () => {
    const { bitmap, name } = picture.value!;
    try {
      await task.run('Cutting out', async (signal, report) => {
        for (const [i, { id, detection }] of masked.entries()) {
          report('Cutting out', i / masked.length);
          const png = await cutOut(bitmap, detection, signal);
          signal.throwIfAborted();
          save(png, `${stem(name)}_${id}_${stem(detection.label)}.png`);
        }
      });
    } catch (error) {
      tellFault(error);
    }
  };
  const undo = () => {
    const last = history.value.at(-1);
    if (!last || !picture.value) return;
    const before = { ...picture.value, bitmap: last.bitmap };
    batch(() => {
      history.value = history.value.slice(0, -1);
      picture.value = before;
      if (last.result === result.value) erased.value = last.erased;
      else result.value = undefined; // of the edited picture: the network looks again
    });
  };

  return (
    <>
      <p class="small faint">
        {none
          ? 'No mask is shown: choose a Mask R-CNN, or a lower score.'
          : selected.value.size > 0
            ? `On the ${masked.length} selected.`
            : `On all ${masked.length} shown; press some in the picture or the list to select them.`}
      </p>
      <div class="row">
        <button type="button" disabled={none || masked.length > MOST_CUTS} onClick={cut}>
          Cut out {masked.length > 1 ? `${masked.length} PNGs` : 'as PNG'}
        </button>
        <button type="button" disabled={none} onClick={eraseThem}>
          Erase
        </button>
      </div>
      <fieldset class="tool">
        <legend>Background</legend>
        <label class="field">
          <span>
            Blur <b>{radius.value} px</b>
          </span>
          <input
            type="range"
            min="1"
            max="60"
            value={radius.value}
            onInput={(event) => {
              radius.value = event.currentTarget.valueAsNumber;
            }}
          />
        </label>
        <div class="row">
          <button
            type="button"
            disabled={none}
            onClick={() => background('Blurring', { kind: 'blur', radius: radius.value })}
          >
            Blur
          </button>
          <button type="button" disabled={none} onClick={() => background('Making grey', { kind: 'grey' })}>
            Grey
          </button>
          <button
            type="button"
            disabled={none}
            onClick={() => background('Recolouring', { kind: 'colour', colour: channels(colour.value) })}
          >
            Recolour
          </button>
          <input
            type="color"
            aria-label="Colour of the background"
            value={colour.value}
            onInput={(event) => {
              colour.value = event.currentTarget.value;
            }}
          />
        </div>
      </fieldset>
      <div class="row">
        <button type="button" disabled={history.value.length === 0} onClick={undo}>
          Undo{history.value.length > 0 ? ` (${history.value.length})` : ''}
        </button>
      </div>
      <Status task={task} />
    </>
  );
}

const MOST_CUTS = 30; // files at once

function channels(hex: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}
