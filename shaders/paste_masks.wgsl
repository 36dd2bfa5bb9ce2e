// Every mask as a soft map over the whole picture, as torchvision's paste_masks_in_image.
// Large: R H W floats. `detect` uses mask_regions and paste_mask_bits instead.
//
//   probabilities [R, M, M]
//   image_boxes   [R, 4]      x1 y1 x2 y2, pixels of the picture
//   count         [1]         how many rows are real
//   pasted        [R, H, W]   rows from count on are 0
//
// One invocation writes one pixel of one mask.

struct Params {
  rows: u32,
  height: u32,
  width: u32,
  side: u32,  // M
  growth: f32,  // of boxes, see lib/paste_corners.wgsl
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> image_boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read_write> pasted: array<f32>;

@compute @workgroup_size(64)
fn paste_masks(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let line = item / params.width;
  let mask = line / params.height;
  if (mask >= params.rows) {
    return;
  }
  let x = i32(item % params.width);
  let y = i32(line % params.height);
  let corners = paste_corners(image_boxes[mask], params.growth);
  if (mask >= count[0] || x < corners.x || y < corners.y || x > corners.z || y > corners.w) {
    pasted[item] = 0.0;
    return;
  }
  let row = row_tap(mask, y, corners);
  let column = column_tap(mask, x, corners);
  pasted[item] = pasted_at(mask, row, column, params.side);
}
