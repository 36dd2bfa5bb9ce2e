// A matrix product with bias, residual add and ReLU fused: a fully connected layer (torch.nn.functional.linear),
// a 1x1 convolution, and, in batches, the products of Winograd's convolution and the slices of a split sum.
//
//   input  [B, R, I]   rows of I numbers; rows and batches may lie apart by more than that
//   weight [B, I, O]   packed by pack_weight: I and O padded to 4, a quad is 4 outputs
//   bias   [O]         padded to 4
//   add    [B, R, O]   optional residual, added before the activation
//   output [B, R, O]
//
// One invocation holds a register tile of 4 rows by 8 or 16 outputs (lib/tile.wgsl); parameters and bindings are in
// lib/linear.wgsl. A workgroup covers
// 4 * LANES_X rows by 4 * OUT4S * LANES_Y outputs.

#if SUBGROUP != 0
enable subgroups;
#endif

// Set by src/kernels/linear.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const SUBGROUP = 0u;  // lanes that share weights: 0, 4 or 8; then LANES_Y is 1, and LANES_X at least as many
const OUT4S = 2u;      // quads of outputs of an invocation: 2 or 4

@compute @workgroup_size(LANES_X, LANES_Y)
fn linear(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u,
#if SUBGROUP != 0
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
) {
  let first_row = workgroup.y * 4u * LANES_X;
  let row = first_row + lane.x + vec4u(0u, 1u, 2u, 3u) * LANES_X;
  let out4s = (params.outputs + 3u) / 4u;
#if SUBGROUP != 0
  let out4 = OUT4S * workgroup.x;
#else
  let subgroup_lane = 0u;
  let out4 = OUT4S * (workgroup.x * LANES_Y + lane.y);
#endif
  let end = last_row();
  if (first_row >= end || out4 >= out4s) {
    return;
  }
  let batch = workgroup.z;
  var tile = Tile();
  let inner = min(row, vec4u(end - 1u)); // rows beyond the last are computed as the last, and not stored
  accumulate(
    &tile, batch * params.input_stride + inner * params.row_stride, row < vec4u(end), params.inputs,
    batch * params.weight_stride + out4, out4s, subgroup_lane);
  for (var i = 0u; i < 4u; i++) {
    if (row[i] < end) {
      store(
        (batch * params.rows + row[i]) * params.outputs + 4u * out4, params.outputs - 4u * out4, out4, &tile, i);
    }
  }
}
