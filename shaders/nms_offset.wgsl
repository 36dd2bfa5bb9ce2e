// How far NMS shifts the boxes of each group so that groups do not overlap: torchvision's batched_nms.
// With few boxes: group * (greatest coordinate + 1). With more than `trick_limit`: nothing, as its
// per-group loop. The two differ, as a shift costs precision; so we must choose as it does.
//
//   boxes   [G, N, 4]
//   scores  [G, N]     NONE where there is no box
//   offsets [G]        rounded to f32 here, in memory, so that no fused multiply-add can skip the rounding
//   extents [G]        rows up to the last box, so that what follows can skip the empty ones
//
// One workgroup.

struct Params {
  groups: u32,
  capacity: u32,  // N
  first_group: u32,
  trick_limit: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(3) var<storage, read_write> offsets: array<f32>;
@group(0) @binding(4) var<storage, read_write> extents: array<u32>;

const LANES = 256u;

var<workgroup> valid: atomic<u32>;
var<workgroup> highest: atomic<u32>;               // key of the greatest coordinate
var<workgroup> shared_extents: array<atomic<u32>, LANES>;

@compute @workgroup_size(256)
fn nms_offset(@builtin(local_invocation_index) lane: u32) {
  for (var first = 0u; first < params.groups; first += LANES) {
    let groups = min(LANES, params.groups - first);
    for (var i = lane; i < groups * params.capacity; i += LANES) {
      measure(first * params.capacity + i, i / params.capacity, i % params.capacity);
    }
    workgroupBarrier();
    if (lane < groups) {
      extents[first + lane] = atomicExchange(&shared_extents[lane], 0u);
    }
    workgroupBarrier();
  }
  let key = atomicLoad(&highest);
  let shifts = key != 0u && atomicLoad(&valid) <= params.trick_limit;
  let offset = select(0.0, score_of(key) + 1.0, shifts);
  for (var group = lane; group < params.groups; group += LANES) {
    offsets[group] = f32(params.first_group + group) * offset;
  }
}

fn measure(i: u32, group: u32, row: u32) {
  if (score_key(scores[i]) != 0u) {
    let box = boxes[i];
    let keys = vec4u(score_key(box.x), score_key(box.y), score_key(box.z), score_key(box.w));
    atomicMax(&highest, max(max(keys.x, keys.y), max(keys.z, keys.w)));
    atomicMax(&shared_extents[group], row + 1u);
    atomicAdd(&valid, 1u);
  }
}
