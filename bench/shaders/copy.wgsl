// Copies, a vec4 at a time: the adapter's bandwidth.
//
//   source [N]
//   copied [N]
//
// One invocation copies PER vec4s; neighbours copy neighbouring ones, and each its next a whole pass further on.

// Set by bench/micro_kernels.ts; the values here are the defaults.
const PER = 1u;

struct Params {
  vec4s: u32,
  stride: u32,  // invocations
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> copied: array<vec4f>;

@compute @workgroup_size(256)
fn copy(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = item_of(group, lane, 256u);
  for (var i = 0u; i < PER; i++) {
    let at = first + i * params.stride;
    if (at < params.vec4s) {
      copied[at] = source[at];
    }
  }
}
