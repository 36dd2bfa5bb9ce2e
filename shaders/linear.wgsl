// A fully connected layer (torch.nn.functional.linear) with bias and ReLU fused: a plain matrix product.
//
//   input  [R, I]      one row a region
//   weight [I, O]      packed by pack_weight: I and O padded to 4, a vec4 is 4 outputs
//   bias   [O]         padded to 4
//   output [R, O]
//
// One invocation holds a register tile of 4 rows by 8 outputs (lib/tile.wgsl). A workgroup covers
// 4 * LANES_X rows by 8 * LANES_Y outputs.

// Set by src/kernels/linear.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const VEC_IN = true;   // I is a multiple of 4
const VEC_OUT = true;  // O is a multiple of 4
const BIAS = true;
const ADD = false;
const COUNTED = false; // only the first `count` rows are computed; the others are left as they are
alias In = vec4f;
alias Out = vec4f;

struct Params {
  rows: u32,     // R
  inputs: u32,   // I
  outputs: u32,  // O
  floor: f32,  // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<In>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
#endif
#if COUNTED
@group(0) @binding(5) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(LANES_X, LANES_Y)
fn linear(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = workgroup.x * 4u * LANES_X + lane.x + vec4u(0u, 1u, 2u, 3u) * LANES_X;
  let out4 = 2u * (workgroup.y * LANES_Y + lane.y);
  let out4s = (params.outputs + 3u) / 4u;
  let end = last_row();
  if (row.x >= end || out4 >= out4s) {
    return;
  }
  var tile = Tile();
  accumulate(&tile, row * params.inputs, row < vec4u(end), params.inputs, out4, out4s);
  for (var i = 0u; i < 4u; i++) {
    if (row[i] < end) {
      store(
        row[i] * params.outputs + 4u * out4, params.outputs - 4u * out4, out4, tile.low[i], tile.high[i]);
    }
  }
}

// One past the last row to compute.
fn last_row() -> u32 {
#if COUNTED
  return min(params.rows, count[0]);
#else
  return params.rows;
#endif
}
