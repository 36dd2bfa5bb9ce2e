// The mask of each detection's own class, as probabilities: He et al. 2017, Mask R-CNN
// (arXiv:1703.06870), section 3: no competition among classes, so a sigmoid and not a softmax.
//
//   logits        [R, M, M, K]
//   labels        [R]         class 0 is the background
//   count         [1]         how many rows are real
//   probabilities [R, M, M]   rows from count on are 0
//
// One invocation writes one probability.

struct Params {
  rows: u32,
  pixels: u32,  // M M
  classes: u32,  // K
  first: u32,    // label of channel 0; where K is 1, it is for all labels
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read_write> probabilities: array<f32>;

@compute @workgroup_size(64)
fn mask_select(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let row = item / params.pixels;
  if (row >= params.rows) {
    return;
  }
  if (row >= count[0]) {
    probabilities[item] = 0.0;
    return;
  }
  probabilities[item] = sigmoid_of(logits[item * params.classes + min(labels[row] - params.first, params.classes - 1u)]);
}
