// Weights as 8-bit integers. NAME of dtype I8 comes with NAME.scale, F32, one for each output channel: weight =
// integer * scale. U8 has NAME.zero_point besides: weight = (integer - zero_point) * scale.

import { WeightError } from '../errors';
import type { SafetensorsDtype } from './float16';
import type { TensorInfo } from './safetensors_header';

/** Names of what belongs to a tensor of this dtype. */
export function companionsOf(name: string, dtype: SafetensorsDtype): string[] {
  if (dtype === 'I8') return [`${name}.scale`];
  return dtype === 'U8' ? [`${name}.scale`, `${name}.zero_point`] : [];
}

/** Tensors with and without those that belong to others, these by what they belong to. Throws WeightError. */
export function splitCompanions(tensors: readonly TensorInfo[]): {
  weights: TensorInfo[];
  /** Name of a companion -> what it belongs to, and the rest of its name. */
  companions: Map<string, { owner: string; suffix: string }>;
} {
  const names = new Set(tensors.map(({ name }) => name));
  const companions = new Map<string, { owner: string; suffix: string }>();
  for (const { name, dtype } of tensors) {
    for (const companion of companionsOf(name, dtype)) {
      if (!names.has(companion)) {
        throw new WeightError(`${name}: wanted ${companion} beside a tensor of ${dtype}, got none`);
      }
      companions.set(companion, { owner: name, suffix: companion.slice(name.length) });
    }
  }
  return { weights: tensors.filter(({ name }) => !companions.has(name)), companions };
}

/** A weight as integers from -127 to 127. */
export interface Quantised {
  integers: Int8Array<ArrayBuffer>;
  /** [O], of each output channel. */
  scale: Float32Array<ArrayBuffer>;
  /** Sums of the squares of the errors, and of the weight. */
  fault: number;
  power: number;
}

/** Root of the mean square of the error, relative to that of the weight. */
export function relativeError({ fault, power }: Pick<Quantised, 'fault' | 'power'>): number {
  return power > 0 ? Math.sqrt(fault / power) : 0;
}

/** `outputs` [before, O, after]: how many elements are before, along and behind the axis of output channels. */
export function quantise(
  values: Float32Array,
  [before, outputs, after]: [number, number, number],
): Quantised {
  const scale = new Float32Array(outputs);
  const each = (visit: (at: number, o: number) => void) => {
    for (let b = 0, at = 0; b < before; b++)
      for (let o = 0; o < outputs; o++) for (let i = 0; i < after; i++, at++) visit(at, o);
  };
  each((at, o) => {
    scale[o] = Math.max(scale[o]!, Math.abs(values[at]!));
  });
  for (let o = 0; o < outputs; o++) scale[o] = scale[o]! / 127 || 1; // a channel of zeros has any scale
  const integers = new Int8Array(values.length);
  let [fault, power] = [0, 0];
  each((at, o) => {
    const value = values[at]!;
    integers[at] = Math.max(-127, Math.min(127, Math.round(value / scale[o]!)));
    fault += (integers[at]! * scale[o]! - value) ** 2;
    power += value ** 2;
  });
  return { integers, scale, fault, power };
}
