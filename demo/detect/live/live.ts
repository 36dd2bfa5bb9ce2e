// A camera or a video, live: a frame goes to the network, comes back with what is in it, is shown, and the next one
// is taken. Frames that come meanwhile are passed over, but for a file of which every frame is wanted.

import { batch, effect, signal } from '@preact/signals';
import type { Result } from '../../engine/messages';
import { clearFaults, tellFault } from '../../shell/toasts';
import { ask, show } from '../actions';
import { engine, live, picture, result, settings, tracks } from '../state';
import { openCamera } from './camera';
import { type Counted, Follower } from './follower';
import type { Frame, Source } from './source';

export const paused = signal(false);
/** Frames a second, of late. */
export const rate = signal(0);
/** Seconds: where a file is, and its length; 0 of a camera. */
export const position = signal({ at: 0, length: 0 });
export const counted = signal<Counted>({ crossed: [], tracks: 0, frames: 0 });

const SMOOTH = 0.8; // of the rate
const REST_MS = 50; // between two looks while nothing goes on

let source: Source | undefined;
let follower = new Follower();
/** Grows whenever what is under way is not wanted any more: another source, another place. */
let turn = 0;
/** Whether a frame is shown; whether there are no more. */
let [framed, atEnd] = [false, false];

export function startCamera(): Promise<void> {
  return start('camera', openCamera);
}

export function startVideo(file: Blob, name: string): Promise<void> {
  return start('video', async () => {
    const { openVideo } = await import('./video_file'); // few need it
    return openVideo(file, name);
  });
}

async function start(kind: 'camera' | 'video', open: () => Promise<Source>): Promise<void> {
  clearFaults();
  const isLast = ask();
  let opened: Source | undefined;
  try {
    opened = await open();
    if (!isLast()) {
      opened.close();
      return;
    }
    end();
    source = opened;
    batch(() => {
      live.value = kind;
      paused.value = false;
      rate.value = 0;
      position.value = { at: 0, length: opened!.length };
      countAnew();
    });
    await loop(opened);
  } catch (error) {
    if (opened && source !== opened) return; // it was ended while a frame was under way
    if (opened) live.value = undefined;
    tellFault(error);
  }
}

function end(): void {
  turn++;
  source?.close();
  source = undefined;
  [framed, atEnd] = [false, false];
}

effect(() => {
  if (live.value === undefined) end(); // something else is shown now
});

/** Ends the camera or the video: the frame that is shown becomes a picture, of which all is measured. */
export function keepFrame(): void {
  const { bitmap } = picture.value!;
  if (framed) show({ bitmap, name: live.value === 'camera' ? 'photograph.png' : 'frame.png' });
  else live.value = undefined;
}

export function pause(now: boolean): void {
  paused.value = now;
  source?.hold();
  if (!now && atEnd) seek(0);
}

/** Of a file. What was counted is forgotten. */
export function seek(seconds: number): void {
  turn++;
  atEnd = false;
  source?.seek(seconds);
  position.value = { ...position.value, at: seconds };
  countAnew();
}

/** Forgets tracks and crossings. */
export function countAnew(): void {
  follower = new Follower();
  counted.value = follower.counted;
}

async function loop(opened: Source): Promise<void> {
  let before = performance.now();
  let [shownOf, shown] = [turn, false]; // after a step to another place its frame is shown, also while paused
  let kept: Frame | undefined; // the network has not seen it
  while (source === opened) {
    if (shownOf !== turn) [shownOf, shown, kept] = [turn, false, undefined];
    const waiting = paused.value || (!engine.model.value && live.value === 'video');
    if (atEnd || (waiting && shown)) {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      before = performance.now();
      continue;
    }
    const frame: Frame | undefined = kept ?? (await opened.next(settings.value.everyFrame));
    if (shownOf !== turn) {
      frame?.bitmap.close();
      continue;
    }
    if (!frame) {
      atEnd = true;
      paused.value = true;
      continue;
    }
    try {
      const found = engine.model.value && (await engine.detect(frame.bitmap));
      kept = found || live.value !== 'video' ? undefined : frame;
      if (shownOf !== turn) continue;
      put(frame, found);
      shown = true;
    } catch (error) {
      if ((error as Error).name !== 'DeviceLostError') throw error;
      kept = frame; // until the model is loaded anew
    }
    const now = performance.now();
    const current = 1000 / (now - before);
    rate.value = rate.value ? SMOOTH * rate.value + (1 - SMOOTH) * current : current;
    before = now;
  }
}

/** A frame and what was found in it, onto the stage. */
function put({ bitmap, seconds }: Frame, found: Result | undefined): void {
  const { score, line } = settings.value;
  const old = picture.value?.bitmap;
  framed = true;
  batch(() => {
    tracks.value = found && follower.update(found.detections, score, seconds, line, bitmap);
    result.value = found;
    picture.value = { bitmap, name: live.value === 'camera' ? 'Camera' : 'Video' };
    counted.value = follower.counted;
    position.value = { ...position.value, at: seconds };
  });
  if (old !== bitmap) old?.close();
}
