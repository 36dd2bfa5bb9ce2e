// Boxes from pixels of the resized image to pixels of the picture, each axis by its own ratio.
//
//   boxes       [R, 4]   x1 y1 x2 y2
//   count       [1]      how many rows are real
//   image_boxes [R, 4]   rows from count on are 0
//
// One invocation writes one box.

struct Params {
  rows: u32,
  x_scale: f32,  // picture pixels per resized pixel
  y_scale: f32,
  width: f32,    // boxes are clipped to it and to the height; the greatest f32 where they are not
  height: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> image_boxes: array<vec4f>;

@compute @workgroup_size(64)
fn scale_boxes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = item_of(group, lane, 64u);
  if (row >= params.rows) {
    return;
  }
  let scaled = boxes[row] * vec2f(params.x_scale, params.y_scale).xyxy;
  let clipped = min(scaled, vec2f(params.width, params.height).xyxy);
  image_boxes[row] = select(vec4f(0.0), clipped, row < count[0]);
}
