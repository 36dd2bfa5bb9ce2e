// A camera or a video, live: a frame goes to the network, comes back with what is in it, is shown, and the next one
// is taken. Frames that come meanwhile are passed over, but for a file of which every frame is wanted.

import { batch, signal } from '@preact/signals';
import { clearFaults, tellFault } from '../../shell/toasts';
import { show } from '../actions';
import { engine, live, picture, result, settings, tracks } from '../state';
import { type Counted, Follower } from './follower';
import { nextFrame, openCamera, openFile, release, stepOn } from './source';

/** Of a file: go from frame to frame, however long each takes, instead of playing it. */
export const everyFrame = signal(false);
export const paused = signal(false);
/** Frames a second, of late. */
export const rate = signal(0);
/** Seconds: where a file is, and its length, 0 where it is not known. */
export const position = signal({ at: 0, length: 0 });
export const counted = signal<Counted>({ crossed: [], tracks: 0 });

const SMOOTH = 0.8; // of the rate
const REST_MS = 50; // between two looks while nothing goes on

let video: HTMLVideoElement | undefined;
let follower = new Follower();

export function startCamera(): Promise<void> {
  return start('camera', openCamera);
}

export function startVideo(file: Blob, name: string): Promise<void> {
  return start('video', () => openFile(file, name));
}

async function start(kind: 'camera' | 'video', open: () => Promise<HTMLVideoElement>): Promise<void> {
  stop();
  clearFaults();
  try {
    const element = await open();
    video = element;
    batch(() => {
      live.value = kind;
      paused.value = false;
      rate.value = 0;
    });
    countAnew();
    if (!everyFrame.value || kind === 'camera') await element.play();
    await loop(element);
  } catch (error) {
    stop();
    tellFault(error);
  }
}

/** Ends the camera or the video. The last frame stays, as a picture. */
export function stop(): void {
  if (video) release(video);
  video = undefined;
  live.value = undefined;
}

/** This moment's frame as a picture, of which all is measured; the camera ends. */
export async function photograph(): Promise<void> {
  if (!video) return;
  const bitmap = await createImageBitmap(video);
  show({ bitmap, name: 'photograph.png' });
  stop();
}

export async function pause(now: boolean): Promise<void> {
  paused.value = now;
  if (now) video?.pause();
  else if (!everyFrame.value || live.value === 'camera') await video?.play();
  else if (video?.ended) seek(0);
}

/** Of a file. What was counted is forgotten. */
export function seek(seconds: number): void {
  if (!video) return;
  video.currentTime = seconds;
  countAnew();
}

/** Forgets tracks and crossings. */
export function countAnew(): void {
  follower = new Follower();
  counted.value = follower.counted;
}

async function loop(element: HTMLVideoElement): Promise<void> {
  let before = performance.now();
  while (video === element) {
    if (paused.value || !engine.model.value) {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      before = performance.now();
      continue;
    }
    try {
      await look(element);
    } catch (error) {
      if ((error as Error).name !== 'DeviceLostError') throw error; // then the model is loaded anew
    }
    const now = performance.now();
    const current = 1000 / (now - before);
    rate.value = rate.value ? SMOOTH * rate.value + (1 - SMOOTH) * current : current;
    before = now;
    const stepping = live.value === 'video' && everyFrame.value;
    const goesOn = stepping ? await stepOn(element) : !element.ended;
    if (!goesOn) paused.value = true;
    else if (!stepping) await nextFrame(element);
  }
}

/** One frame through the network, and onto the stage. */
async function look(element: HTMLVideoElement): Promise<void> {
  const { currentTime, duration } = element;
  const bitmap = await createImageBitmap(element);
  const { score, line } = settings.value;
  const found = await engine.detect(bitmap, { scoreThreshold: score });
  if (video !== element) {
    bitmap.close();
    return;
  }
  const old = picture.value?.bitmap;
  batch(() => {
    tracks.value = follower.update(found.detections, currentTime, line, bitmap);
    result.value = found;
    picture.value = { bitmap, name: live.value === 'camera' ? 'Camera' : 'Video' };
    counted.value = follower.counted;
    position.value = { at: currentTime, length: Number.isFinite(duration) ? duration : 0 };
  });
  old?.close();
}
