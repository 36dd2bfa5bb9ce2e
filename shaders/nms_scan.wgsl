// Greedy non-maximum suppression: walks the boxes of each group from the best on, and keeps each that
// no kept one before it suppresses.
//
//   mask    [G, N, N/32]  from nms_mask: whom each box would suppress
//   scores  [G, N]        best first; NONE where there is no box
//   extents [G]           rows up to the last box
//   kept    [G, N]        the score where kept, else NONE
//
// One workgroup a group, 32 boxes a step. Each lane carries one word of the removed set; every lane resolves
// the step's 32 x 32 block for itself, which is cheaper than to wait for one.

// Set by src/kernels/nms_scan.ts; the value here is the default.
const LANES = 32u;  // at least 32, and at least N / 32

struct Params {
  capacity: u32,  // N
  words: u32,     // N / 32, rounded up
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(3) var<storage, read> extents: array<u32>;
@group(0) @binding(4) var<storage, read_write> kept: array<f32>;

var<workgroup> block: array<u32, 32>;  // the rows of the step, the columns of the step
var<workgroup> candidates: u32;        // boxes of the step that are not removed

@compute @workgroup_size(LANES)
fn nms_scan(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * params.capacity;
  let end = first + params.capacity;
  let words = (extents[group.x] + 31u) / 32u;
  var removed = ~0u;  // word `lane`: of the boxes 32 * lane and on; at first, all that are none
  for (var i = 32u * lane; i < min(extents[group.x], 32u * lane + 32u); i++) {
    removed ^= u32(score_key(scores[first + i]) != 0u) << (i & 31u);
  }
  for (var word = 0u; word < words; word++) {
    let row = first + 32u * word;
    let own = row + lane;
    if (lane < 32u) {
      block[lane] = mask[min(own, end - 1u) * params.words + word];
    }
    if (lane == word) {
      candidates = ~removed;
    }
    workgroupBarrier();
    var alive = candidates;
    for (var bit = 0u; bit < 32u; bit++) {
      alive &= ~select(0u, block[bit], ((alive >> bit) & 1u) != 0u);
    }
    if (lane < 32u && own < end) {
      kept[own] = select(NONE, scores[own], ((alive >> lane) & 1u) != 0u);
    }
    if (lane > word && lane < words) {
      for (var left = alive; left != 0u; left &= left - 1u) {
        removed |= mask[(row + countTrailingZeros(left)) * params.words + lane];
      }
    }
    workgroupBarrier();
  }
  for (var i = first + 32u * words + lane; i < end; i += LANES) {
    kept[i] = NONE;
  }
}
