// A fully connected layer (torch.nn.functional.linear) with bias and ReLU fused: a plain matrix product.
//
//   input  [R, I]      one row a region; I is a multiple of 4
//   weight [I, O]      packed by pack_weight: O padded to 4, a vec4 is 4 outputs
//   bias   [O]         padded to 4
//   output [R, O]
//
// One invocation holds a register tile of 4 rows by 8 outputs: two 4x4 blocks, each grown by a product of
// 4x4 matrices for every four inputs. A workgroup covers 4 * LANES_X rows by 8 * LANES_Y outputs.

// Set by src/kernels/linear.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const VEC_OUT = true;
const BIAS = true;
const RELU = false;
const COUNTED = false; // only the first `count` rows are computed; the others are left as they are
alias Out = vec4f;

struct Params {
  rows: u32,     // R
  inputs: u32,   // I
  outputs: u32,  // O
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
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
  let in4s = params.inputs / 4u;
  let at = min(row, vec4u(end - 1u)) * in4s;  // rows past the end repeat the last, and are not stored
  var weight_at = out4;
  var block0 = mat4x4f();
  var block1 = mat4x4f();
  for (var i = 0u; i < in4s; i++) {
    let columns = mat4x4f(input[at.x + i], input[at.y + i], input[at.z + i], input[at.w + i]);
    block0 += mat4x4f(
      weight[weight_at], weight[weight_at + out4s],
      weight[weight_at + 2u * out4s], weight[weight_at + 3u * out4s]) * columns;
    block1 += mat4x4f(
      weight[weight_at + 1u], weight[weight_at + 1u + out4s],
      weight[weight_at + 1u + 2u * out4s], weight[weight_at + 1u + 3u * out4s]) * columns;
    weight_at += 4u * out4s;
  }
  store(row.x, end, out4, block0[0], block1[0]);
  store(row.y, end, out4, block0[1], block1[1]);
  store(row.z, end, out4, block0[2], block1[2]);
  store(row.w, end, out4, block0[3], block1[3]);
}

// One past the last row to compute.
fn last_row() -> u32 {
#if COUNTED
  return min(params.rows, count[0]);
#else
  return params.rows;
#endif
}

fn store(row: u32, end: u32, out4: u32, first: vec4f, second: vec4f) {
  if (row < end) {
    finish(row, out4, first);
    finish(row, out4 + 1u, second);
  }
}

fn finish(row: u32, out4: u32, sum: vec4f) {
  if (out4 >= (params.outputs + 3u) / 4u) {
    return;
  }
  var value = sum;
#if BIAS
  value += bias[out4];
#endif
  if (RELU) {
    value = max(value, vec4f());
  }
  let at = row * params.outputs + 4u * out4;
#if VEC_OUT
  output[at / 4u] = value;
#else
  for (var i = 0u; i < 4u && 4u * out4 + i < params.outputs; i++) {
    output[at + i] = value[i];
  }
#endif
}
