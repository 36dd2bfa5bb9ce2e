// Which kernels compute a layer: Winograd's or the definition's convolution, and the tile of each matrix product.
// A choice is looked up in what was measured on the adapter (src/tune.ts), else made by rules that ship with us.

import { TILES, type Tile, type TileName } from './tile';
import type { Step } from './winograd';

/** A convolution, as far as its weights go: the same for every picture. */
export interface LayerShape {
  /** C/G and O */
  readonly inputs: number;
  readonly outputs: number;
  /** [Y, X] */
  readonly window: readonly [number, number];
  readonly stride: number;
}

/** A matrix product: `batches` times rows by depth by outputs. */
export interface ProductShape {
  readonly kernel: 'conv2d' | 'linear' | 'conv_transpose2d';
  readonly rows: number;
  readonly depth: number;
  readonly outputs: number;
  readonly batches: number;
}

export type Algorithm = 'direct' | 'winograd2' | 'winograd4';

/** How a matrix product is computed. */
export interface Method {
  readonly tile: TileName;
  /** Slices that a long sum is split into, to fill a GPU with few outputs; 1: none. */
  readonly split: number;
}

/** The choice for everything that a network has. */
export interface Methods {
  algorithm(layer: LayerShape): Algorithm;
  method(product: ProductShape): Method;
}

/** What is known of an adapter before anything is measured on it. */
export interface Traits {
  /** Whether it is a CPU that plays a GPU: its workgroup memory and barriers are slow. */
  readonly software: boolean;
  /** Lanes of a subgroup, at least; 0 where shaders may not use them. */
  readonly subgroup: number;
  /** Whether shaders compute in float16. */
  readonly half: boolean;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render|warp/i;

export function traitsOf(device: Pick<GPUDevice, 'features' | 'adapterInfo'>): Traits {
  const { vendor = '', architecture = '', description = '', subgroupMinSize = 0 } = device.adapterInfo;
  return {
    software: SOFTWARE.test(`${vendor} ${architecture} ${description}`),
    subgroup: device.features.has('subgroups') ? subgroupMinSize : 0,
    half: device.features.has('shader-f16'),
  };
}

/** A GPU of which nothing is known. */
export const UNKNOWN_GPU: Traits = { software: false, subgroup: 0, half: false };

/** Times measured on an adapter, boiled down to the best of each; plain JSON. */
export interface Tuning {
  /** Of the adapter that it was measured on: see `adapterKey`. */
  readonly adapter: string;
  readonly algorithms: Readonly<Record<string, Algorithm>>;
  readonly methods: Readonly<Record<string, Method>>;
}

export function layerKey({ inputs, outputs, window, stride }: LayerShape): string {
  return `${window.join('x')} /${stride} ${inputs}>${outputs}`;
}

export function productKey({ kernel, rows, depth, outputs, batches }: ProductShape): string {
  return `${productFamily({ kernel, depth, outputs, batches })} rows ${rows}`;
}

/** What products that differ in their number of rows only have in common. */
function productFamily({ kernel, depth, outputs, batches }: Omit<ProductShape, 'rows'>): string {
  return `${kernel} ${batches}x ${depth}>${outputs}`;
}

/** Algorithms that can compute a layer. */
export function algorithmsFor({ inputs, outputs, window, stride }: LayerShape): Algorithm[] {
  const fits = String(window) === '3,3' && stride === 1 && inputs % 4 === 0 && outputs % 4 === 0;
  return fits ? ['direct', 'winograd2', 'winograd4'] : ['direct'];
}

export function stepOf(algorithm: Algorithm): Step | undefined {
  return algorithm === 'direct' ? undefined : algorithm === 'winograd2' ? 2 : 4;
}

/** Tiles that can compute a product on such an adapter, at a given precision. */
export function tilesFor({ kernel }: ProductShape, traits: Traits, half: boolean): TileName[] {
  return (Object.keys(TILES) as TileName[]).filter((name) => {
    const { memory, feature, subgroup }: Tile = TILES[name];
    if (kernel === 'conv_transpose2d' && memory !== 'registers') return false;
    if (subgroup && subgroup > traits.subgroup) return false;
    if (feature === 'shader-f16') return half && traits.half;
    return true;
  });
}

/** The choice for an adapter: as measured, or by rule where `tuning` has nothing near. */
export function methodsFor(traits: Traits, half = false, tuning?: Tuning): Methods {
  const near = tuning && nearest(tuning);
  return {
    algorithm(layer) {
      const possible = algorithmsFor(layer);
      const measured = tuning?.algorithms[layerKey(layer)];
      return measured && possible.includes(measured) ? measured : possible.at(-1)!;
    },
    method(product) {
      const measured = tuning?.methods[productKey(product)] ?? near?.(product);
      const usable = measured && tilesFor(product, traits, half).includes(measured.tile);
      const method = usable ? measured : ruleFor(product, traits, half);
      return partsFit(product, method.split) ? method : { ...method, split: 1 };
    },
  };
}

/** Whether the slices of a sum together fit what a binding may hold by default. */
export function partsFit({ rows, outputs }: ProductShape, split: number): boolean {
  return split === 1 || 4 * rows * outputs * split <= 128 << 20;
}

/** The method measured for the product of the same kind whose rows are nearest, by ratio. */
function nearest({ methods }: Tuning): (product: ProductShape) => Method | undefined {
  const families = new Map<string, { rows: number; method: Method }[]>();
  for (const [key, method] of Object.entries(methods)) {
    const [family, rows] = key.split(' rows ') as [string, string];
    families.set(family, [...(families.get(family) ?? []), { rows: Number(rows), method }]);
  }
  return (product) => {
    const far = ({ rows }: { rows: number }): number => Math.abs(Math.log(rows / product.rows));
    const members = families.get(productFamily(product)) ?? [];
    return members.reduce<(typeof members)[0] | undefined>(
      (best, member) => (best && far(best) <= far(member) ? best : member),
      undefined,
    )?.method;
  };
}

/** Workgroups that keep a GPU busy: a few for each of some dozens of cores. */
const BUSY = 128;
/** Inputs of a sum from which on it is worth splitting. */
const LONG = 2048;

/** The table that ships: what was the best over many shapes, or is known of the field's kernels. */
function ruleFor(product: ProductShape, traits: Traits, half: boolean): Method {
  const { kernel, rows, depth, outputs, batches } = product;
  if (traits.software || kernel === 'conv_transpose2d') {
    const long = kernel === 'linear' && batches === 1 && depth >= LONG;
    // FC6: what a slice needs of the weight stays in a core's cache from one row of tiles to the next
    if (traits.software && traits.subgroup >= 8) return { tile: 'subgroups 32x8', split: long ? 8 : 1 };
    if (traits.software && traits.subgroup >= 4) {
      return { tile: outputs > 8 ? 'subgroups of 4 32x16' : 'subgroups of 4 32x8', split: 1 };
    }
    return { tile: outputs > 16 ? 'registers 32x64' : 'registers 128x16', split: 1 };
  }
  if (outputs <= 16) return { tile: 'registers 128x16', split: 1 };
  const groups = (side: number): number => Math.ceil(rows / side) * Math.ceil(outputs / side) * batches;
  const large = groups(64) >= BUSY;
  const split = large || depth < LONG ? 1 : Math.min(8, Math.ceil(BUSY / groups(64)));
  if (!large && split === 1) return { tile: 'workgroup 32x32', split };
  return { tile: half && traits.half ? 'workgroup f16 64x64' : 'workgroup 64x64', split };
}
