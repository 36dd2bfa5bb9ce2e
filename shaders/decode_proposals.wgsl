// The RPN's boxes: decodes the best anchors of each level, clips them, drops the tiny and the unlikely.
// Ren et al. 2015 (arXiv:1506.01497); rules as torchvision's RegionProposalNetwork.filter_proposals.
//
//   indices [L, N]     anchors of each level, (y * width + x) * A + a, best first; 0xffffffff for none
//   top     [L, N]     their logits
//   deltas  [T, 4]     dx dy dw dh of all anchors, level after level
//   levels  [L, 4]     first anchor, grid width, stride y, stride x (image pixels)
//   cells   [L, A, 4]  anchors of a cell around its corner
//   boxes   [L, N, 4]  image pixels; zeros where dropped
//   scores  [L, N]     the logit; NONE where dropped
//
// One invocation a box.

struct Params {
  items: u32,     // L * N
  capacity: u32,  // N
  anchors: u32,   // A
  width: f32,     // of the resized image without padding
  height: f32,
  min_size: f32,
  min_logit: f32,
}

struct Level {
  first: u32,
  width: u32,
  stride_y: u32,
  stride_x: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> top: array<f32>;
@group(0) @binding(3) var<storage, read> deltas: array<vec4f>;
@group(0) @binding(4) var<storage, read> levels: array<Level>;
@group(0) @binding(5) var<storage, read> cells: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> boxes: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn decode_proposals(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = item_of(group, lane, 64u);
  if (i >= params.items) {
    return;
  }
  boxes[i] = vec4f();
  scores[i] = NONE;
  let key = score_key(top[i]);
  if (key == 0u || key < score_key(params.min_logit)) {
    return;
  }
  let level_index = i / params.capacity;
  let level = levels[level_index];
  let anchor = indices[i];
  let cell = anchor / params.anchors;
  let corner = vec2f(vec2u(cell % level.width * level.stride_x, cell / level.width * level.stride_y));
  let around = cells[level_index * params.anchors + anchor % params.anchors];
  let box = decode(around + corner.xyxy, deltas[level.first + anchor]);
  let clipped = clip(box, vec2f(params.width, params.height));
  if (is_large(clipped, params.min_size)) {
    boxes[i] = clipped;
    scores[i] = top[i];
  }
}
