// For each mask the rectangle of the picture that it covers, and where its bits go in one arena of
// words: one after the other, in the order of the detections.
//
//   image_boxes [R, 4]   x1 y1 x2 y2, pixels of the picture
//   count       [1]      how many rows are real
//   regions     [R, 6]   x, y, width, height, words a row, first word in the arena
//   used        [1]      words that all masks need together; beyond CAPACITY, they did not all fit
//
// From the first mask that does not fit on, and from row count on, the first word is 0xffffffff.
// Masks outside the picture, and rows from count on, are 0 x 0.
//
// One workgroup: 256 masks at a time, an invocation each.

struct Params {
  rows: u32,
  height: u32,
  width: u32,
  capacity: u32,  // words in the arena
  growth: f32,  // of boxes, see lib/paste_corners.wgsl
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image_boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> regions: array<u32>;
@group(0) @binding(4) var<storage, read_write> used: array<u32>;

const NOWHERE = 0xffffffffu;

var<workgroup> words: array<u32, 256>;  // of each mask of this turn

// x, y, width, height
fn region_of(box: vec4f) -> vec4u {
  let corners = paste_corners(box, params.growth);
  let low = max(corners.xy, vec2i(0));
  let high = min(corners.zw + 1, vec2i(i32(params.width), i32(params.height)));
  if (any(high <= low)) {
    return vec4u(0u);
  }
  return vec4u(vec4i(low, high - low));
}

@compute @workgroup_size(256)
fn mask_regions(@builtin(local_invocation_index) lane: u32) {
  var end = 0u;  // of the arena, before this turn
  for (var turn = 0u; turn < params.rows; turn += 256u) {
    let mask = turn + lane;
    let real = mask < min(params.rows, count[0]);
    var region = vec4u(0u);
    if (real) {
      region = region_of(image_boxes[mask]);
    }
    let words_a_row = (region.z + 31u) / 32u;
    words[lane] = words_a_row * region.w;
    workgroupBarrier();
    var first = end;
    for (var before = 0u; before < lane; before++) {
      first += words[before];
    }
    for (var each = 0u; each < 256u; each++) {
      end += words[each];
    }
    let fits = real && first + words[lane] <= params.capacity;
    if (mask < params.rows) {
      regions[6u * mask] = region.x;
      regions[6u * mask + 1u] = region.y;
      regions[6u * mask + 2u] = region.z;
      regions[6u * mask + 3u] = region.w;
      regions[6u * mask + 4u] = words_a_row;
      regions[6u * mask + 5u] = select(NOWHERE, first, fits);
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    used[0] = end;
  }
}
