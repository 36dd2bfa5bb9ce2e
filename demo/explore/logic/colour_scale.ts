// Colours for numbers: perceptually even scales (viridis, magma), grey, and a diverging one around zero.

import { interpolateGreys, interpolateMagma, interpolateRdBu, interpolateViridis } from 'd3-scale-chromatic';

export const SCALES = ['viridis', 'magma', 'grey', 'diverging'] as const;
export type ScaleName = (typeof SCALES)[number];

/** The numbers at the ends of a scale. */
export type Range = readonly [low: number, high: number];

const STEPS = 256;

const INTERPOLATORS: Record<ScaleName, (t: number) => string> = {
  viridis: interpolateViridis,
  magma: interpolateMagma,
  grey: (t) => interpolateGreys(1 - t),
  diverging: (t) => interpolateRdBu(1 - t),
};

const tables = new Map<ScaleName, Uint32Array>();

/** 256 colours from low to high: u32, R lowest, opaque; as ImageData has them. */
export function coloursOf(scale: ScaleName): Uint32Array {
  const known = tables.get(scale);
  if (known) return known;
  const table = Uint32Array.from({ length: STEPS }, (_, i) => packed(INTERPOLATORS[scale](i / (STEPS - 1))));
  tables.set(scale, table);
  return table;
}

/** A CSS gradient of the scale, from left to right. */
export function gradientOf(scale: ScaleName): string {
  const stops = Array.from({ length: 9 }, (_, i) => INTERPOLATORS[scale](i / 8));
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

/** `rgb(1, 2, 3)` or `#010203`. */
function packed(colour: string): number {
  const hex = /^#(..)(..)(..)$/.exec(colour);
  const [r, g, b] = hex
    ? hex.slice(1).map((part) => Number.parseInt(part, 16))
    : (colour.match(/[\d.]+/g) ?? []).map((part) => Math.round(Number(part)));
  return (r! | (g! << 8) | (b! << 16) | (255 << 24)) >>> 0;
}

/** The least and greatest of the finite numbers; around zero, as far to both sides, for a diverging scale. */
export function rangeOf(data: Iterable<number>, scale: ScaleName): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 0];
  if (scale !== 'diverging') return [low, high];
  const most = Math.max(Math.abs(low), Math.abs(high));
  return [-most, most];
}

/** Colours of all numbers, those beyond the range as its ends, NaN clear; u32 as in `coloursOf`. */
export function paint(
  data: ArrayLike<number>,
  scale: ScaleName,
  [low, high]: Range,
): Uint32Array<ArrayBuffer> {
  const colours = coloursOf(scale);
  const factor = high > low ? (STEPS - 1) / (high - low) : 0;
  const pixels = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const step = Math.round((data[i]! - low) * factor);
    if (!Number.isNaN(step)) pixels[i] = colours[Math.min(STEPS - 1, Math.max(0, step))]!;
  }
  return pixels;
}
