// The tiles that matrix products (conv2d, linear, conv_transpose2d) come in: how much of the output an invocation
// and a workgroup compute, and out of which memory. Which is the fastest depends on the adapter, so it is measured
// (src/tuning). All of them stay within WebGPU's default limits.

import { UnsupportedError } from '../errors';
import type { Constants } from './specialise';

/** One way to cut a matrix product up. */
export interface Tile {
  /** registers: shaders/lib/tile.wgsl. workgroup: shaders/lib/workgroup_tile.wgsl. */
  readonly memory: 'registers' | 'workgroup';
  /** Lanes along rows (pixels), and along outputs. */
  readonly lanes: readonly [number, number];
  /** Rows and outputs of one lane. */
  readonly each: readonly [number, number];
  /** Inputs that workgroup memory holds at a time, in quads. */
  readonly depth?: number;
  /** What it needs of the device. */
  readonly feature?: 'subgroups' | 'shader-f16';
  /** Lanes that a subgroup must have, at least. */
  readonly subgroup?: 4 | 8;
}

const workgroup = (lanes: [number, number], each: [number, number], depth = 4): Tile => ({
  memory: 'workgroup',
  lanes,
  each,
  depth,
});

const subgroups = (lanes: [number, number], subgroup: 4 | 8, outputs = 8): Tile => ({
  memory: 'registers',
  lanes,
  each: [4, outputs],
  feature: 'subgroups',
  subgroup,
});

/** All tiles by name: rows x outputs of a workgroup, and of a lane where two share these. */
export const TILES = {
  'registers 32x64': { memory: 'registers', lanes: [8, 8], each: [4, 8] },
  'registers 128x16': { memory: 'registers', lanes: [32, 2], each: [4, 8] },
  'registers 256x8': { memory: 'registers', lanes: [64, 1], each: [4, 8] },
  'subgroups 32x8': subgroups([8, 1], 8),
  'subgroups 256x8': subgroups([64, 1], 8),
  'subgroups of 4 32x8': subgroups([8, 1], 4),
  'subgroups of 4 256x8': subgroups([64, 1], 4),
  'subgroups of 4 32x16': subgroups([8, 1], 4, 16),
  'workgroup 32x32': workgroup([8, 8], [4, 4]),
  'workgroup 64x64': workgroup([16, 16], [4, 4]),
  'workgroup 64x64 by 8x8': workgroup([8, 8], [8, 8]),
  'workgroup 128x64': workgroup([16, 16], [8, 4]),
  'workgroup 128x128': workgroup([16, 16], [8, 8], 2),
  'workgroup f16 64x64': { ...workgroup([16, 16], [4, 4]), feature: 'shader-f16' },
  'workgroup f16 64x64 by 8x8': { ...workgroup([8, 8], [8, 8]), feature: 'shader-f16' },
  'workgroup f16 128x128': { ...workgroup([16, 16], [8, 8]), feature: 'shader-f16' },
} as const satisfies Record<string, Tile>;

export type TileName = keyof typeof TILES;

/** The tile that runs everywhere: few lanes along outputs where there are few. */
export function plainTile(outputs: number): TileName {
  return outputs > 16 ? 'registers 32x64' : 'registers 128x16';
}

export function tileOf(name: TileName): Tile {
  const tile: Tile | undefined = TILES[name];
  if (!tile)
    throw new UnsupportedError(`wanted one of the tiles ${Object.keys(TILES).join(', ')}; got ${name}`);
  return tile;
}

/** What the tile sets in the shader. */
export function tileConstants({ memory, lanes, each, depth, feature, subgroup }: Tile): Constants {
  const [LANES_X, LANES_Y] = lanes;
  if (memory === 'registers') return { LANES_X, LANES_Y, SUBGROUP: subgroup ?? 0, OUT4S: each[1] / 4 };
  const half = feature === 'shader-f16';
  return {
    LANES_X,
    LANES_Y,
    ROWS: each[0] / 4,
    COLUMNS: each[1] / 4,
    DEPTH: depth as number,
    Quad: half ? 'vec4h' : 'vec4f',
    Block: half ? 'mat4x4h' : 'mat4x4f',
  };
}

/** Workgroups that cover `rows` by `outputs`: along outputs first, so that neighbours share rows in caches. */
export function tileGrid({ lanes, each }: Tile, rows: number, outputs: number): [number, number] {
  return [Math.ceil(outputs / (lanes[1] * each[1])), Math.ceil(rows / (lanes[0] * each[0]))];
}
