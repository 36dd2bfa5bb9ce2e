// The feature pyramid as roi_align and roi_pool see it: one to five maps, finest first, and the level
// of each box: Lin et al. 2017, Feature Pyramid Networks (arXiv:1612.03144), equation 1.
//
//   level0 .. level4 [1, H, W, C]   C / 4 quads a pixel
//   boxes            [R, 4]         x1 y1 x2 y2, pixels of the resized image
//   count            [1]            how many rows of `boxes` are real
//   pooled           [R, P, P, C]   rows from count on are undefined
//
// One invocation writes one (box, bin, quad); neighbours differ in quad, so loads coalesce.

const LEVELS = 4u;
const LEVEL1 = true;  // LEVELS > 1, and so on: which maps are bound
const LEVEL2 = true;
const LEVEL3 = true;
const LEVEL4 = false;
const MERGED = false; // level0 holds all maps, one after the other: no branches, which cost a CPU all their sides
const INCLUSIVE = false;  // x2 and y2 are a box's last pixels: its width is x2 - x1 + 1
alias Quad = vec4f;  // vec4f, or vec2u: four halves

struct Params {
  boxes: u32,  // R
  quads: u32,
  pooled: u32,  // P, bins a side
  height0: u32,
  width0: u32,
  height1: u32,
  width1: u32,
  height2: u32,
  width2: u32,
  height3: u32,
  width3: u32,
  height4: u32,
  width4: u32,
  scale0: f32,  // feature pixels per image pixel, 1/4 for P2
  scale1: f32,
  scale2: f32,
  scale3: f32,
  scale4: f32,
  cut1: f32,  // smallest area of a box that belongs to level 1, in image pixels
  cut2: f32,
  cut3: f32,
  cut4: f32,
  end: f32,   // boxes of this area and more have no level: all of their bins are 0
  first1: u32,  // MERGED: where level 1 begins, in quads
  first2: u32,
  first3: u32,
  first4: u32,
  samples: u32,  // roi_align only: a side of each bin; 0: adaptive
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> pooled: array<Quad>;
@group(0) @binding(4) var<storage, read> level0: array<Quad>;
#if LEVEL1
@group(0) @binding(5) var<storage, read> level1: array<Quad>;
#endif
#if LEVEL2
@group(0) @binding(6) var<storage, read> level2: array<Quad>;
#endif
#if LEVEL3
@group(0) @binding(7) var<storage, read> level3: array<Quad>;
#endif
#if LEVEL4
@group(0) @binding(8) var<storage, read> level4: array<Quad>;
#endif

struct Level {
  index: u32,
  first: u32,  // quad of level0, if MERGED
  height: u32,
  width: u32,
  scale: f32,
}

fn area_of(box: vec4f) -> f32 {
  let size = box.zw - box.xy + select(0.0, 1.0, INCLUSIVE);
  return size.x * size.y;
}

// The level that a box is pooled from.
fn level_of(box: vec4f) -> Level {
  let area = area_of(box);
  let passed = u32(area >= params.cut1) + u32(area >= params.cut2) + u32(area >= params.cut3)
    + u32(area >= params.cut4);
  let index = min(passed, LEVELS - 1u);
  switch index {
    case 1u: { return Level(1u, params.first1, params.height1, params.width1, params.scale1); }
    case 2u: { return Level(2u, params.first2, params.height2, params.width2, params.scale2); }
    case 3u: { return Level(3u, params.first3, params.height3, params.width3, params.scale3); }
    case 4u: { return Level(4u, params.first4, params.height4, params.width4, params.scale4); }
    default: { return Level(0u, 0u, params.height0, params.width0, params.scale0); }
  }
}

// Four channels of a pixel of a level.
fn feature(level: Level, y: u32, x: u32, quad: u32) -> vec4f {
  let at = level.first + (y * level.width + x) * params.quads + quad;
#if Quad == vec2u
  return widen(level_quad(level.index, at));
#else
  return level_quad(level.index, at);
#endif
}

fn level_quad(level: u32, at: u32) -> Quad {
#if LEVEL1
  if (level == 1u) {
    return level1[at];
  }
#endif
#if LEVEL2
  if (level == 2u) {
    return level2[at];
  }
#endif
#if LEVEL3
  if (level == 3u) {
    return level3[at];
  }
#endif
#if LEVEL4
  if (level == 4u) {
    return level4[at];
  }
#endif
  return level0[at];
}

fn put(item: u32, values: vec4f) {
#if Quad == vec2u
  pooled[item] = narrow(values);
#else
  pooled[item] = values;
#endif
}

// What an invocation writes: pooled[box, y, x, 4 quad ..].
struct Bin {
  box: u32,
  y: u32,
  x: u32,
  quad: u32,
}

fn bin_of(item: u32) -> Bin {
  let cell = item / params.quads;
  let row = cell / params.pooled;
  return Bin(row / params.pooled, row % params.pooled, cell % params.pooled, item % params.quads);
}
