// The box head's candidates: for each class the boxes of all proposals that pass the score threshold,
// decoded, clipped, best first. Rules as torchvision's RoIHeads.postprocess_detections before its NMS.
//
//   scores     [R, K]        probabilities; the background is the first class or the last
//   regression [R, B, 4]     dx dy dw dh for each class, or for all, times the coder's weights 10 10 5 5
//   proposals  [R, 4]        pixels of the resized image
//   count      [1]           rows at or after it are no proposals
//   boxes      [K - 1, R, 4] of all classes but the background; zeros beyond the last
//   candidates [K - 1, R]    their scores, descending, equal ones by lowest proposal; NONE beyond the last
//
// One workgroup a class. Boxes may be decoded and clipped in other pixels, as Caffe2 does it in the picture's.

struct Params {
  rows: u32,
  classes: u32,
  first_score: u32,  // column of the first class that is not the background
  box_classes: u32,  // B
  first_box: u32,    // of the first class that is not the background
  width: f32,  // of the image without padding, in the pixels that boxes are decoded in
  height: f32,
  min_size: f32,
  threshold: f32,
  scale: f32,    // pixels of the resized image for each of these
  unscale: f32,  // its inverse
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> regression: array<vec4f>;
@group(0) @binding(3) var<storage, read> proposals: array<vec4f>;
@group(0) @binding(4) var<storage, read> count: array<u32>;
@group(0) @binding(5) var<storage, read_write> boxes: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> candidates: array<f32>;

const LANES = 256u;
const WEIGHTS = vec4f(10.0, 10.0, 5.0, 5.0);

@compute @workgroup_size(256)
fn sort_candidates(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let threshold = score_key(params.threshold);
  for (var row = lane; row < min(count[0], params.rows); row += LANES) {
    let key = score_key(scores[row * params.classes + params.first_score + group.x]);
    if (key > threshold && is_large(box_of(row, group.x), params.min_size)) {
      add_pair(key, row);
    }
  }
  let found = sort_pairs(lane);
  for (var i = lane; i < params.rows; i += LANES) {
    let out = group.x * params.rows + i;
    if (i < found) {
      boxes[out] = box_of(sort_items[i], group.x);
      candidates[out] = score_of(sort_keys[i]);
    } else {
      boxes[out] = vec4f();
      candidates[out] = NONE;
    }
  }
}

fn box_of(row: u32, index: u32) -> vec4f {
  let own = min(params.first_box + index, params.box_classes - 1u);
  let deltas = regression[row * params.box_classes + own] / WEIGHTS;
  let box = decode(proposals[row] * params.unscale, deltas);
  return clip(box, vec2f(params.width, params.height)) * params.scale;
}
