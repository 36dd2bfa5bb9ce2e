// The form of a row in the kernel tables (tests/rows/*.ts), and the tensors that rows are made of.
//
// A row is a kernel, its inputs, its attributes, and the naive f64 reference that says what must come
// out. The same rows are tests (kernels.spec.ts), shader variants to compile, and benchmarks.

import type { Kernel } from '../src/kernels/kernel';
import { toFloat16, toFloat32 } from '../src/weights/float16';
import type { HostTensor } from './gpu';

/** What the reference says: numbers for f32 outputs (within tolerance), for u32 ones exact. */
export type Expected = Record<string, ArrayLike<number>>;

export interface KernelCase {
  /** What is particular about this row. */
  what: string;
  // biome-ignore lint/suspicious/noExplicitAny: rows of all kernels stand in one table
  kernel: Kernel<any, any>;
  inputs: Record<string, HostTensor | undefined>;
  attributes: unknown;
  /** Outputs by binding name; NaN in the reference means «not written, or not defined: do not look». */
  reference: () => Expected;
  /** |got - want| <= atol + rtol * |want|, for f32 outputs. A loosened one states its reason in the row. */
  tolerance: { atol: number; rtol: number };
  /** A feature without which the row is skipped. */
  needs?: 'subgroups' | 'shader-f16' | undefined;
  /** Lanes that a subgroup must have. */
  lanes?: number | undefined;
  /** For u32 outputs that are pixels: by how much a byte of them may depart. */
  byteTolerance?: number;
}

/** Ties the attributes' type to the kernel's. */
export function kernelCase<I, A>(
  row: Omit<KernelCase, 'kernel' | 'attributes'> & { kernel: Kernel<I, A>; attributes: A },
): KernelCase {
  return row;
}

/** The usual tolerance of float32 sums of a few thousand terms. */
export const CLOSE = { atol: 1e-5, rtol: 1e-5 };
/** Nothing is rounded: the kernel only moves or compares numbers. */
export const EXACT = { atol: 0, rtol: 0 };

export function tensor(shape: number[], data: ArrayLike<number>): HostTensor {
  return { shape, dtype: 'f32', data: Float32Array.from(data) };
}

/** The same tensor stored as halves: its numbers rounded to what they hold. */
export function halves({ shape, data }: HostTensor): HostTensor {
  const rounded = toFloat32('F16', new Uint8Array(toFloat16(Float32Array.from(data)).buffer));
  return { shape, dtype: 'f16', data: rounded };
}

export function indices(shape: number[], data: ArrayLike<number>): HostTensor {
  return { shape, dtype: 'u32', data: Uint32Array.from(data) };
}

/** A stream of numbers in [0, 1) that depends on `seed` only (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A tensor of numbers in [-1, 1), the same for the same shape and seed. */
export function random(shape: number[], seed = 1): HostTensor {
  const next = uniform(seed * 7919 + shape.reduce((a, b) => a * 31 + b, 0));
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    shape,
    Float32Array.from({ length: count }, () => 2 * next() - 1),
  );
}
