// The sum of the slices of a split matrix product, then bias, residual and ReLU.
//
//   parts  [B, R, O]   from linear, in batches; O a multiple of 4
//   bias   [O]
//   output [R, O]
//
// One invocation sums four outputs of a row.

// Set by src/kernels/reduce.ts; the values here are the defaults.
const BIAS = true;
const SCALE = false;
const ADD = false;
const COUNTED = false;  // only the first `count` rows are summed; the others are left as they are
alias Out = vec4f;      // vec4f, or vec2u: four halves

struct Params {
  batches: u32,   // B
  rows: u32,      // R
  outputs4: u32,  // O / 4
  floor: f32,     // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
#endif
#if COUNTED
@group(0) @binding(4) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn reduce(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= last_row() * params.outputs4) {
    return;
  }
  var sum = vec4f();
  for (var batch = 0u; batch < params.batches; batch++) {
    sum += parts[batch * params.rows * params.outputs4 + item];
  }
  finish(4u * item, 4u, item % params.outputs4, sum);
}

// One past the last row to sum.
fn last_row() -> u32 {
#if COUNTED
  return min(params.rows, count[0]);
#else
  return params.rows;
#endif
}
