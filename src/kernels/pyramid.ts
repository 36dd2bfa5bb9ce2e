// What roi_align and roi_pool have in common: maps of several levels in, bins of each box out.

import { check, type Dispatch, grid, quadOf, sizeOf, type TensorSpec } from './kernel';

export interface PyramidInputs {
  /** [1, H, W, C]; with `merged` all maps, one after the other */
  level0: TensorSpec;
  level1?: TensorSpec;
  level2?: TensorSpec;
  level3?: TensorSpec;
  level4?: TensorSpec;
  boxes: TensorSpec;
  count: TensorSpec;
}

export interface PyramidAttributes {
  /** Bins a side. */
  pooled: number;
  /** Feature pixels per image pixel of each level (src/model/levels.ts `inferScales`). */
  scales: readonly number[];
  /** The maps' shapes and first elements, if level0 holds them all. */
  merged?: readonly { readonly shape: readonly number[]; readonly offset: number }[] | undefined;
  /** Smallest area in image pixels of a box of level 1, 2, … (`levelCuts`): one fewer than levels. */
  cuts: readonly number[];
  /** Area from which on boxes have no level, and their bins are 0. Default: none has. */
  end?: number | undefined;
  /** Whether boxes include x2 and y2 when their area is measured. Default: no. */
  inclusive?: boolean;
}

/** No float32 area reaches it: WGSL may assume that there are no infinities. */
const NEVER = 3.4028234e38;

// level0 .. level4 [1, H, W, C], boxes [R, 4], count u32 [1] -> pooled [R, P, P, C]; rows from count on are undefined
export function pyramidDispatch(
  op: string,
  inputs: PyramidInputs,
  { pooled, scales, cuts, merged, end: last = NEVER, inclusive = false }: PyramidAttributes,
): Dispatch {
  const { level0, level1, level2, level3, level4, boxes, count } = inputs;
  const separate = [level0, level1, level2, level3, level4];
  const given = merged?.map(({ shape }): TensorSpec => ({ shape, dtype: level0.dtype })) ?? separate;
  const maps = given.filter((map) => map !== undefined);
  const bound = given.slice(0, maps.length);
  const channels = maps[0]?.shape[3] ?? 0;
  const end = Math.max(0, ...(merged ?? []).map(({ offset }, i) => offset + sizeOf(maps[i]!)));
  check(end <= sizeOf(level0), op, `level0 with ${end} numbers of all maps`, level0);
  check(
    maps.length > 0 &&
      bound.every((map) => map?.shape.length === 4 && map.shape[0] === 1) &&
      maps.every(({ dtype }) => dtype !== 'u32' && dtype === level0.dtype) &&
      maps.every(({ shape }) => shape[3] === channels && shape.every((n) => n > 0)) &&
      channels % 4 === 0,
    op,
    'level0, level1 … without gaps, f32 or f16 [1, H, W, C], C a multiple of 4 and the same',
    ...maps,
  );
  const [capacity, four] = boxes.shape as [number, number];
  check(
    boxes.dtype === 'f32' && boxes.shape.length === 2 && four === 4 && count.dtype === 'u32',
    op,
    'f32 boxes [R, 4], u32 count [1]',
    boxes,
    count,
  );
  check(
    scales.length === maps.length && cuts.length === maps.length - 1,
    op,
    `${maps.length} scales and ${maps.length - 1} cuts`,
    `scales [${scales}]`,
    `cuts [${cuts}]`,
  );
  check(Number.isInteger(pooled) && pooled > 0 && pooled < 256, op, '1 to 255 bins a side', pooled);
  const params: Record<string, number> = {
    boxes: capacity,
    quads: channels / 4,
    pooled,
    samples: 0,
    end: last,
  };
  for (let level = 0; level < 5; level++) {
    params[`height${level}`] = maps[level]?.shape[1] ?? 0;
    params[`width${level}`] = maps[level]?.shape[2] ?? 0;
    params[`scale${level}`] = scales[level] ?? 0;
    if (level > 0) {
      params[`cut${level}`] = cuts[level - 1] ?? NEVER;
      params[`first${level}`] = (merged?.[level]?.offset ?? 0) / 4;
    }
  }
  const [LEVEL1, LEVEL2, LEVEL3, LEVEL4] = [2, 3, 4, 5].map((n) => !merged && maps.length >= n) as [
    boolean,
    boolean,
    boolean,
    boolean,
  ];
  return {
    outputs: { pooled: { shape: [capacity, pooled, pooled, channels], dtype: level0.dtype } },
    constants: {
      Quad: quadOf(level0),
      MERGED: merged !== undefined,
      INCLUSIVE: inclusive,
      LEVELS: maps.length,
      LEVEL1,
      LEVEL2,
      LEVEL3,
      LEVEL4,
    },
    params,
    workgroups: grid((capacity * pooled * pooled * channels) / 4, 64),
    macs: 0,
  };
}
