// The demo: a picture comes in, nuclei or everyday things are outlined and counted. An ordinary user of src/index.ts.

import weights from '../models/nuclei.safetensors?url';
import { type DetectResult, DeviceLostError, MaskRCNN, MaskRcnnError } from '../src/index';
import coffee from '../tests/images/coffee_427x640.png?url';
import { draw, type Shape, scaleOf, shapeAt, shapesOf } from './draw';

interface Kind {
  source: string;
  sample: string;
  /** One and several of what is found. */
  nouns: [string, string];
}

/** What the page can look for, by the value of the choice. */
const KINDS: Record<string, Kind> = {
  nuclei: { source: weights, sample: 'nuclei.png', nouns: ['nucleus', 'nuclei'] },
  things: { source: 'facebook/maskrcnn2go', sample: coffee, nouns: ['object', 'objects'] },
};

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const canvas = element<HTMLCanvasElement>('canvas');
const stage = element('stage');
const file = element<HTMLInputElement>('file');
const kinds = element<HTMLSelectElement>('kind');
const progress = element<HTMLProgressElement>('progress');
const threshold = element<HTMLInputElement>('threshold');
const masks = element<HTMLInputElement>('masks');
const boxes = element<HTMLInputElement>('boxes');

let model: Promise<MaskRCNN> | undefined; // loading, or loaded
let own: Blob | undefined; // the visitor's picture, where it is not the sample
let picture: ImageBitmap | undefined;
let shapes: Shape[] = []; // of the picture, whatever their scores
let found = false; // whether they are there yet
let chosen: Shape | undefined;
let asked = 0; // pictures so far; the answer to an older one is dropped

function say(text: string, fault = false): void {
  const status = element('status');
  status.textContent = text;
  status.classList.toggle('fault', fault);
}

/** Says what is done now; how much of it is done is not known yet. */
function work(text: string): void {
  say(text);
  progress.removeAttribute('value');
  progress.hidden = false;
}

/** Says what went wrong. Faults of our own are not swallowed. */
function sayFault(error: unknown): void {
  progress.hidden = true;
  stage.classList.remove('busy');
  say(error instanceof Error ? error.message : String(error), true);
  if (!(error instanceof MaskRcnnError)) throw error;
}

function kind(): Kind {
  return KINDS[kinds.value]!;
}

async function load(): Promise<MaskRCNN> {
  work('Loading the model');
  const loaded = await MaskRCNN.load(kind().source, {
    onProgress: ({ loaded, total }) => {
      if (total && loaded < total) progress.value = loaded / total;
      else work('Compiling the shaders');
    },
  });
  threshold.min = String(loaded.config.boxScoreThresh);
  return loaded;
}

async function open(blob: Blob): Promise<void> {
  const mine = ++asked;
  try {
    const bitmap = await createImageBitmap(blob).catch((cause) => {
      throw new MaskRcnnError('This is no picture that the browser can read.', { cause });
    });
    if (mine !== asked) return;
    show(bitmap);
    model ??= load();
    const loading = model;
    loading.catch(() => {
      if (model === loading) model = undefined; // the next picture tries again
    });
    const ready = await loading;
    if (mine !== asked) return;
    work(`Looking for ${kind().nouns[1]}`);
    stage.classList.add('busy');
    const result = await ready.detect(bitmap);
    if (mine === asked) tell(result, ready.device);
  } catch (error) {
    if (error instanceof DeviceLostError && mine === asked) model = undefined; // the next picture loads it anew
    if (mine === asked) sayFault(error);
  }
}

async function openSample(): Promise<void> {
  own = undefined;
  const response = await fetch(kind().sample);
  await open(await response.blob());
}

async function openOwn(blob: Blob): Promise<void> {
  own = blob;
  await open(blob);
}

/** Another model for the same picture, or its own sample. */
function change(): void {
  const old = model;
  model = undefined;
  asked++; // what is under way is dropped
  old?.then(
    (loaded) => loaded.destroy(),
    () => {}, // it has been told
  );
  if (own) open(own);
  else openSample();
}

/** The picture alone, as soon as it is there. */
function show(bitmap: ImageBitmap): void {
  picture = bitmap;
  shapes = [];
  found = false;
  element('facts').replaceChildren();
  refresh();
}

function tell({ detections, width, height, timing }: DetectResult, device: GPUDevice): void {
  progress.hidden = true;
  stage.classList.remove('busy');
  found = true;
  shapes = shapesOf(detections, picture!);
  const took =
    timing.runMs < 10_000 ? `${timing.runMs.toFixed()} ms` : `${(timing.runMs / 1000).toFixed(1)} s`;
  const { description, vendor, architecture } = device.adapterInfo;
  facts({
    Picture: `${width} × ${height}`,
    Adapter: description || [vendor, architecture].filter(Boolean).join(' ') || 'not told by the browser',
  });
  refresh();
  say(`Done in ${took}`);
}

function facts(rows: Record<string, string>): void {
  const cells = Object.entries(rows).flatMap(([term, value]) => {
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    [dt.textContent, dd.textContent] = [term, value];
    return [dt, dd];
  });
  element('facts').replaceChildren(...cells);
}

function visible(): Shape[] {
  return shapes.filter(({ detection }) => detection.score >= threshold.valueAsNumber);
}

/** Draws again, after anything has changed. */
function refresh(): void {
  if (!picture) return;
  const seen = visible();
  if (chosen && !seen.includes(chosen)) chosen = undefined;
  draw(canvas, picture, seen, { masks: masks.checked, boxes: boxes.checked, chosen });
  const noun = kind().nouns[seen.length === 1 ? 0 : 1];
  element('count').textContent = found ? String(seen.length) : '';
  element('noun').textContent = noun;
  canvas.setAttribute('aria-label', found ? `Picture with ${seen.length} ${noun} outlined` : 'Picture');
  const hint = seen.length ? 'Point at one, or go through them with the arrow keys.' : '';
  element('chosen').textContent = chosen ? describe(chosen) : hint;
}

function describe({ detection: { label, score, mask } }: Shape): string {
  const area = mask ? `, ${mask.area()} px` : '';
  return `${label}, score ${score.toFixed(2)}${area}`;
}

function choose(shape: Shape | undefined): void {
  if (shape === chosen) return;
  chosen = shape;
  refresh();
}

canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
  const enlargement = canvas.width / canvas.clientWidth;
  if (picture) choose(shapeAt(visible(), offsetX * enlargement, offsetY * enlargement, scaleOf(picture)));
});
canvas.addEventListener('pointerleave', () => choose(undefined));
canvas.addEventListener('blur', () => choose(undefined));
canvas.addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const seen = visible();
  if (!step || !seen.length) return;
  event.preventDefault();
  const at = chosen ? seen.indexOf(chosen) + step : step > 0 ? 0 : -1;
  choose(seen.at(at % seen.length));
});

threshold.addEventListener('input', () => {
  element('least').textContent = threshold.valueAsNumber.toFixed(2);
  refresh();
});
for (const box of [masks, boxes]) box.addEventListener('change', refresh);
window.addEventListener('resize', refresh);

element('pick').addEventListener('click', () => file.click());
element('sample').addEventListener('click', openSample);
kinds.addEventListener('change', change);
file.addEventListener('change', () => {
  if (file.files?.[0]) openOwn(file.files[0]);
  file.value = ''; // the same file may be chosen again
});
document.addEventListener('paste', ({ clipboardData }) => take(clipboardData));
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  stage.classList.add('over');
});
document.addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) stage.classList.remove('over');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  stage.classList.remove('over');
  take(event.dataTransfer);
});

function take(data: DataTransfer | null): void {
  const found = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'));
  if (found) openOwn(found);
}

openSample();
