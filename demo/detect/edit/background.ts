// What is not an object, blurred, recoloured or made grey. Of the objects nothing bleeds into the blur: it is the
// mean of background pixels only (normalised convolution, Knutsson and Westin 1993).

import type { Pixels } from './pixels';

export type Background =
  | { kind: 'blur'; radius: number }
  | { kind: 'colour'; colour: readonly [red: number, green: number, blue: number] }
  | { kind: 'grey' };

/** objects [H, W] of 0 and 1: what stays as it is. */
export function changeBackground(picture: Pixels, objects: Uint8Array, change: Background): Pixels {
  if (change.kind === 'blur') return blurBackground(picture, objects, change.radius);
  const data = picture.data.slice();
  for (let i = 0; i < objects.length; i++) {
    if (objects[i]) continue;
    const at = 4 * i;
    const grey = 0.2126 * data[at]! + 0.7152 * data[at + 1]! + 0.0722 * data[at + 2]!;
    data.set(change.kind === 'grey' ? [grey, grey, grey] : change.colour, at);
  }
  return { ...picture, data };
}

const PASSES = 3; // of a box filter: nearly a Gaussian

function blurBackground(picture: Pixels, objects: Uint8Array, radius: number): Pixels {
  const { width, height } = picture;
  const weight = Float32Array.from(objects, (object) => 1 - object);
  const blurred = (values: Float32Array) => {
    for (let pass = 0; pass < PASSES; pass++) boxBlur(values, width, height, radius);
    return values;
  };
  const data = picture.data.slice();
  const channels = [0, 1, 2].map((channel) => {
    return blurred(Float32Array.from(weight, (w, i) => w * picture.data[4 * i + channel]!));
  });
  const weights = blurred(weight.slice());
  for (let i = 0; i < objects.length; i++) {
    if (objects[i] || !(weights[i]! > 1e-6)) continue;
    for (let channel = 0; channel < 3; channel++)
      data[4 * i + channel] = channels[channel]![i]! / weights[i]!;
  }
  return { ...picture, data };
}

/** Sums over squares of 2 radius + 1 pixels a side, divided by their full area; in place. values [H, W] */
function boxBlur(values: Float32Array, width: number, height: number, radius: number): void {
  for (let y = 0; y < height; y++) slide(values, y * width, 1, width, radius);
  for (let x = 0; x < width; x++) slide(values, x, width, height, radius);
}

function slide(values: Float32Array, start: number, step: number, count: number, radius: number): void {
  const line = Float32Array.from({ length: count }, (_, i) => values[start + i * step]!);
  const share = 1 / (2 * radius + 1);
  let sum = 0;
  for (let i = 0; i < Math.min(radius, count); i++) sum += line[i]!;
  for (let i = 0; i < count; i++) {
    if (i + radius < count) sum += line[i + radius]!;
    if (i - radius - 1 >= 0) sum -= line[i - radius - 1]!;
    values[start + i * step] = sum * share;
  }
}
