// What the page Detect knows, as signals: everything that is shown follows from these.

import { computed, effect, signal } from '@preact/signals';
import { Engine } from '../engine/client';
import type { PlainSource, Result } from '../engine/messages';
import type { Picture } from '../pictures';
import { Task } from '../shell/task';
import { tellFault } from '../shell/toasts';
import { type Instance, instanceOf } from './instances';
import type { Track } from './live/tracker';
import { fromHash, type Settings, toHash } from './settings_url';

export const settings = signal<Settings>(fromHash(location.hash));

/** Long work: loading, and looking at a picture. */
export const task = new Task();

export const engine = new Engine((load) => task.run('Loading the model anew', load).catch(tellFault));

export const picture = signal<Picture | undefined>(undefined);

/** Of the picture; undefined until the network has seen it. */
export const result = signal<Result | undefined>(undefined);

/** The visitor's own model file, where one is chosen. */
export const ownModel = signal<{ name: string; source: PlainSource } | undefined>(undefined);

/** Frames come from here, while they do. */
export const live = signal<'camera' | 'video' | undefined>(undefined);

/** Tracks of the live frame's objects, in their order; none of what was not sure enough to be followed. */
export const tracks = signal<readonly (Pick<Track, 'id' | 'trail'> | undefined)[] | undefined>(undefined);

export const hovered = signal<number | undefined>(undefined);
export const selected = signal<ReadonlySet<number>>(new Set());

/** Instances that were erased from the picture. */
export const erased = signal<ReadonlySet<number>>(new Set());

const colourBy = computed(() => settings.value.colourBy); // outlines are not made anew for other settings

/** Before each edit: the picture, what was found in it, and what had been erased from it. */
export const history = signal<
  readonly { bitmap: ImageBitmap; result: Result | undefined; erased: ReadonlySet<number> }[]
>([]);

export const instances = computed<readonly Instance[]>(() => {
  const ids = tracks.value;
  return (result.value?.detections ?? []).map((detection, i) => {
    const track = ids?.[i];
    const found = result.value?.found?.[i];
    return instanceOf(detection, {
      id: track?.id ?? (ids ? -1 - i : i + 1),
      trail: track?.trail,
      colourBy: colourBy.value,
      found,
    });
  });
});

/** Those of which the score is high enough, of whatever class. */
export const likely = computed(() =>
  instances.value.filter(
    ({ id, detection }) => detection.score >= settings.value.score && !erased.value.has(id),
  ),
);

/** Those that are shown, and all else works on. */
export const visible = computed(() =>
  likely.value.filter(({ detection }) => !settings.value.hidden.includes(detection.label)),
);

/** Those that edits and exports mean: the selected ones, or all that are shown. */
export const meant = computed(() => {
  const chosen = visible.value.filter(({ id }) => selected.value.has(id));
  return chosen.length > 0 ? chosen : visible.value;
});

/** Changes settings; the address follows. */
export function set(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change };
}

/** For the browser's console, and for tests that take the GPU away. */
Object.assign(window, { engine });

effect(() => {
  window.history.replaceState(null, '', `${location.pathname}${location.search}${toHash(settings.value)}`);
});
