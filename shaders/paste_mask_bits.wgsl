// Every mask as bits, in the rectangle that mask_regions gave it: the pasted mask above a threshold.
//
//   probabilities [R, M, M]
//   image_boxes   [R, 4]       x1 y1 x2 y2, pixels of the picture
//   regions       [R, 6]       of mask_regions
//   bits          [capacity]   bit b of word w of a row is pixel x + 32 w + b
//
// Words of `bits` that are in no region are undefined.
//
// One invocation writes one word, and finds its mask by bisection: sizes differ a thousandfold, so a
// grid of masks by words would be mostly idle.

struct Params {
  rows: u32,
  capacity: u32,
  side: u32,  // M
  growth: f32,  // of boxes, see lib/paste_corners.wgsl
  threshold: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> image_boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> regions: array<u32>;
@group(0) @binding(4) var<storage, read_write> bits: array<u32>;

// How many masks begin at or before a word. First words ascend, those that have none come last.
fn masks_until(word: u32) -> u32 {
  var low = 0u;
  var high = params.rows;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (regions[6u * middle + 5u] <= word) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low;
}

@compute @workgroup_size(64)
fn paste_mask_bits(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = item_of(group, lane, 64u);
  let until = masks_until(word);
  if (word >= params.capacity || until == 0u) {
    return;
  }
  let mask = until - 1u;
  let width = regions[6u * mask + 2u];
  let height = regions[6u * mask + 3u];
  let words_a_row = max(regions[6u * mask + 4u], 1u);
  let at = word - regions[6u * mask + 5u];
  let y = at / words_a_row;
  if (y >= height) {
    return;
  }
  let corners = paste_corners(image_boxes[mask], params.growth);
  let row = row_tap(mask, i32(regions[6u * mask + 1u] + y), corners);
  let start = 32u * (at % words_a_row);
  var pixels = 0u;
  for (var bit = 0u; bit < min(32u, width - start); bit++) {
    let x = i32(regions[6u * mask] + start + bit);
    let column = column_tap(mask, x, corners);
    pixels |= u32(is_set(pasted_at(mask, row, column, params.side), params.threshold)) << bit;
  }
  bits[word] = pixels;
}
