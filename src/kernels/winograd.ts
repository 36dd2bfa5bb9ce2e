// Winograd's 3x3 convolution of stride 1 (Lavin and Gray 2015, arXiv:1509.09308): winograd_input, then linear in
// batches, then winograd_output; winograd_weight once, at load. F(4,3) takes 36 products for 16 outputs where the
// definition takes 144, F(2,3) 16 for 4.

import grid_lib from '../../shaders/lib/grid.wgsl?raw';
import half_lib from '../../shaders/lib/half.wgsl?raw';
import winograd_lib from '../../shaders/lib/winograd.wgsl?raw';
import input_source from '../../shaders/winograd_input.wgsl?raw';
import output_source from '../../shaders/winograd_output.wgsl?raw';
import { check, type Dispatch, grid, type Kernel, sizeOf, type TensorSpec } from './kernel';
import { floorOf } from './quads';

/** Outputs of a tile's side. */
export type Step = 2 | 4;

/** Points of a tile: products for each of its pairs of channels. */
export function pointsOf(step: Step): number {
  return (step + 2) ** 2;
}

/** Tiles that cover `outputs` pixels of one axis. */
export function tilesOf(outputs: number, step: Step): number {
  return Math.ceil(outputs / step);
}

/** The shaders' type of what an invocation works on: a channel, or two that are stored as halves. */
export function someOf(store: 'f32' | 'f16'): 'f32' | 'vec2f' {
  return store === 'f16' ? 'vec2f' : 'f32';
}

export interface WinogradInputInputs {
  /** [N, H, W, C], C a multiple of 4 */
  input: TensorSpec;
  /** u32 [1]: only the first `count` of N are transformed; the rest is undefined */
  count?: TensorSpec | undefined;
}

export interface WinogradInputAttributes {
  step: Step;
  padding: number;
  /** [H', W']: the outputs that are wanted. */
  outputs: readonly [number, number];
  /** The first row of the output that is wanted. Default 0. */
  firstRow?: number;
}

export const winogradInput: Kernel<WinogradInputInputs, WinogradInputAttributes> = {
  name: 'winograd_input',
  source: [input_source, winograd_lib, half_lib, grid_lib].join('\n'),

  // input [N, H, W, C] -> transformed [P P, T, C]
  dispatch({ input, count }, { step, padding, outputs, firstRow = 0 }): Dispatch {
    const [N, H, W, C] = input.shape as [number, number, number, number];
    check(
      input.shape.length === 4 && C % 4 === 0,
      'winograd_input',
      'input [N, H, W, C], C a multiple of 4',
      input,
    );
    const [tilesY, tilesX] = [tilesOf(outputs[0], step), tilesOf(outputs[1], step)];
    const tiles = N * tilesY * tilesX;
    const store = input.dtype === 'f16' ? 'f16' : 'f32';
    const transformed: TensorSpec = { shape: [pointsOf(step), tiles, C], dtype: store };
    const channels = store === 'f16' ? C / 2 : C;
    return {
      outputs: { transformed },
      constants: {
        STEP: step,
        COUNTED: count !== undefined,
        Stored: store === 'f16' ? 'u32' : 'f32',
        Some: someOf(store),
      },
      params: {
        images: N,
        height: H,
        width: W,
        channels,
        tiles_y: tilesY,
        tiles_x: tilesX,
        first_row: firstRow - padding,
        padding,
      },
      workgroups: grid(tiles * channels, 64),
      macs: 0,
    };
  },
};

export interface WinogradOutputInputs {
  /** [P P, T, O], O a multiple of 4 */
  products: TensorSpec;
  /** [O] */
  bias?: TensorSpec | undefined;
  /** [N, H', W', O], added before the activation */
  add?: TensorSpec | undefined;
  /** u32 [1]: only the first `count` of N are finished; the rest of the output is undefined */
  count?: TensorSpec | undefined;
}

export interface WinogradOutputAttributes {
  step: Step;
  activation?: 'none' | 'relu';
  /** [N, H', W'] */
  outputs: readonly [number, number, number];
}

export const winogradOutput: Kernel<WinogradOutputInputs, WinogradOutputAttributes> = {
  name: 'winograd_output',
  source: [output_source, winograd_lib, half_lib, grid_lib].join('\n'),

  // products [P P, T, O] -> output [N, H', W', O]
  dispatch({ products, bias, add, count }, attributes): Dispatch {
    const { step, outputs, activation } = attributes;
    const store = products.dtype === 'f16' ? 'f16' : 'f32';
    const O = products.shape[2] as number;
    const [N, H, W] = outputs;
    const [tilesY, tilesX] = [tilesOf(H, step), tilesOf(W, step)];
    const wanted = [pointsOf(step), N * tilesY * tilesX, O];
    check(
      String(products.shape) === String(wanted) && O % 4 === 0,
      'winograd_output',
      `products [${wanted}]`,
      products,
    );
    const output: TensorSpec = { shape: [...outputs, O], dtype: store };
    const channels = store === 'f16' ? O / 2 : O;
    const fits = !add || (sizeOf(add) === sizeOf(output) && add.dtype === store);
    check(fits, 'winograd_output', `residual ${store}[${output.shape}]`, add);
    return {
      outputs: { output },
      constants: {
        STEP: step,
        BIAS: bias !== undefined,
        ADD: add !== undefined,
        COUNTED: count !== undefined,
        Stored: store === 'f16' ? 'u32' : 'f32',
        Some: someOf(store),
      },
      params: {
        images: N,
        out_height: H,
        out_width: W,
        channels,
        tiles_y: tilesY,
        tiles_x: tilesX,
        floor: floorOf(activation),
      },
      workgroups: grid(N * tilesY * tilesX * channels, 64),
      macs: 0,
    };
  },
};
