// The best boxes of all groups, together: what top_k chose from the scores that NMS kept.
//
//   indices    [1, M]     of a box among G * N, best first; 0xffffffff for none
//   top        [1, M]     their scores, or logits with SIGMOID; NONE for none
//   boxes      [G, N, 4]
//   detections [M, 4]     here and below: zeros at and after the count
//   scores     [M]
//   labels     [M]        group + first_group
//   count      [1]
//
// One invocation a detection.

// Set by src/kernels/gather_detections.ts.
const SIGMOID = false;
const DROP_EMPTY = false;  // boxes without width or height are left out, after the choice

struct Params {
  detections: u32,  // M
  capacity: u32,    // N
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> top: array<f32>;
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> detections: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> labels: array<u32>;
@group(0) @binding(7) var<storage, read_write> count: array<u32>;

@compute @workgroup_size(64)
fn gather_detections(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = item_of(group, lane, 64u);
  if (i >= params.detections) {
    return;
  }
  let chosen = source_of(i);
  if (chosen < params.detections) {
    detections[i] = boxes[indices[chosen]];
    scores[i] = select(top[chosen], sigmoid_of(top[chosen]), SIGMOID);
    labels[i] = params.first_group + indices[chosen] / params.capacity;
    if (source_of(i + 1u) == params.detections) {
      count[0] = i + 1u;
    }
  } else {
    detections[i] = vec4f();
    scores[i] = 0.0;
    labels[i] = 0u;
    if (i == 0u) {
      count[0] = 0u;
    }
  }
}

// Which of the chosen becomes row `i`; M if none.
fn source_of(i: u32) -> u32 {
#if DROP_EMPTY
  var left = i;
  for (var chosen = 0u; is_detection(chosen); chosen++) {
    let box = boxes[indices[chosen]];
    if (all(box.zw > box.xy)) {
      if (left == 0u) {
        return chosen;
      }
      left--;
    }
  }
  return params.detections;
#else
  return select(params.detections, i, is_detection(i));
#endif
}

fn is_detection(i: u32) -> bool {
  return i < params.detections && score_key(top[i]) != 0u;
}
