// What a kernel is: a WGSL file and a pure function from shapes to one dispatch of it.
//
// Letters used throughout: N batch or boxes' pictures, H W C map, O output channels, Y X window,
// R boxes (regions), P pooled bins a side, A anchors a cell, L pyramid levels, K classes.
// Maps are channels-last, [N, H, W, C]. Boxes are x1 y1 x2 y2.

import { ShapeError } from '../errors';
import type { Constants } from './specialise';

/** f16 only in quads: the last axis is a multiple of 4. */
export type Dtype = 'f32' | 'u32' | 'f16';

/** Shape (outermost first, dense, row-major) and element type of a tensor. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** One run of a kernel: everything that follows from the shapes of its inputs. */
export interface Dispatch {
  /** The tensors that it writes, by the names of their WGSL bindings. */
  outputs: Record<string, TensorSpec>;
  /** Values for the `const`s and `alias`es that the WGSL file declares, by name. */
  constants: Constants;
  /** Values for the fields of the WGSL file's `struct Params`, by name. All must be given. */
  params: Record<string, number>;
  /** Workgroups along x, y, z, each at most 65,535. */
  workgroups: readonly [number, number, number];
  /** Multiply-adds of the definition, as papers count them; 0 where there is nothing to count. */
  macs: number;
}

/** The inputs of a kernel by the names of their WGSL bindings; undefined where an optional one is not bound. */
export type Inputs = Record<string, TensorSpec | undefined>;

/** A compute shader with its description. `name` is the shader file, its entry point, and the row in tables. */
export interface Kernel<I = Inputs, A = unknown> {
  readonly name: string;
  /** The WGSL text: the shader's file, then the `lib/` files that it calls. */
  readonly source: string;
  /** Pure: no device is needed. Throws ShapeError where inputs and attributes do not fit. */
  dispatch(inputs: I, attributes: A): Dispatch;
}

export const MAX_WORKGROUPS = 65_535;

export function f32(...shape: number[]): TensorSpec {
  return { shape, dtype: 'f32' };
}

export function u32(...shape: number[]): TensorSpec {
  return { shape, dtype: 'u32' };
}

/** Number of elements. */
export function sizeOf(spec: TensorSpec): number {
  return spec.shape.reduce((product, n) => product * n, 1);
}

/** Bytes of all elements. */
export function bytesOf(spec: TensorSpec): number {
  return sizeOf(spec) * (spec.dtype === 'f16' ? 2 : 4);
}

/** What a shader calls four numbers of a tensor: `vec2u` are four halves (shaders/lib/half.wgsl). */
export function quadOf({ dtype }: TensorSpec): 'vec4f' | 'vec2u' {
  return dtype === 'f16' ? 'vec2u' : 'vec4f';
}

/** `f32[1, 25, 34, 256]`, for messages and tables. */
export function describe(spec: TensorSpec | undefined): string {
  return spec ? `${spec.dtype}[${spec.shape.join(', ')}]` : 'nothing';
}

/**
 * Workgroups for `items` invocations in a row of `size` each. Beyond 65,535 workgroups the row is
 * folded: the shader finds its item with `lib/grid.wgsl`'s `item_of`.
 */
export function grid(items: number, size: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(items / size));
  return groups <= MAX_WORKGROUPS ? [groups, 1, 1] : [MAX_WORKGROUPS, Math.ceil(groups / MAX_WORKGROUPS), 1];
}

/** Throws ShapeError «op: wanted …, got …» unless `fits`. */
export function check(
  fits: boolean,
  op: string,
  wanted: string,
  ...got: (TensorSpec | number | string | undefined)[]
): asserts fits {
  if (fits) return;
  const found = got.map((g) => (typeof g === 'object' || g === undefined ? describe(g) : String(g)));
  throw new ShapeError(`${op}: wanted ${wanted}; got ${found.join(', ')}`);
}
