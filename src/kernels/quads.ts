// How matrix products read and write their tensors: what the constants In, Weight and Out of lib/quads.wgsl are.

import { check, type Dtype, type TensorSpec } from './kernel';
import type { Constants } from './specialise';

/** hard_swish: MobileNetV3's x times min(max(x + 3, 0), 6) / 6. */
export type Activation = 'none' | 'relu' | 'hard_swish';

/** What an activation cuts off below: a parameter, since a constant would be another variant to compile. */
export function floorOf(activation: Activation = 'none'): number {
  return activation === 'relu' ? 0 : LOWEST;
}

/** The lowest float32. */
const LOWEST = -3.4028234663852886e38;

/** Channels of a group, padded to whole quads. */
export function padTo4(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

interface Operands {
  input: TensorSpec;
  weight: TensorSpec;
  bias?: TensorSpec | undefined;
  add?: TensorSpec | undefined;
  count?: TensorSpec | undefined;
}

/** What layers with weights have in common. */
export interface QuadAttributes {
  activation?: Activation;
  /** The output's dtype. */
  store?: 'f32' | 'f16';
  /** Whether `bias` holds a quad of factors and a quad of biases by turns. */
  scaled?: boolean;
}

/** The constants, for `inputs` channels in and `outputs` out that lie side by side. */
export function quadConstants(
  op: string,
  { input, weight, bias, add, count }: Operands,
  inputs: number,
  outputs: number,
  { store = 'f32', scaled = false, activation }: QuadAttributes,
): Constants {
  check(!scaled || bias !== undefined, op, 'factors and biases', bias);
  check(input.dtype !== 'f16' || inputs % 4 === 0, op, 'a multiple of 4 channels of f16', input);
  check(store !== 'f16' || outputs % 4 === 0, op, 'a multiple of 4 channels to store as f16', outputs);
  check(!add || add.dtype === store, op, `a residual of dtype ${store}`, add);
  return {
    BIAS: bias !== undefined,
    SCALE: scaled,
    ADD: add !== undefined,
    COUNTED: count !== undefined,
    HARD_SWISH: activation === 'hard_swish',
    In: typeOf(input.dtype, inputs),
    Weight: typeOf(weight.dtype, 4),
    Out: typeOf(store, outputs),
  };
}

function typeOf(dtype: Dtype, channels: number): string {
  if (channels % 4 !== 0) return 'f32';
  return dtype === 'f16' ? 'vec2u' : 'vec4f';
}
