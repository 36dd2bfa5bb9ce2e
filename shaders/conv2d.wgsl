// 2-D convolution (cross-correlation, as torch.nn.functional.conv2d) with bias, residual add and ReLU
// fused, as an implicit matrix product: pixels by window-and-input-channels by output channels.
//
//   input  [N, H, W, C]             channels last
//   weight [G, Y, X, C/G, O/G]      packed by pack_weight: channel counts padded to 4, a quad is 4 outputs
//   bias   [G * O/G]                padded to 4 likewise
//   add    [N, H', W', O]           optional residual, added before the activation
//   output [N, H', W', O]
//
// One invocation holds a register tile of 4 pixels by 8 output channels (lib/tile.wgsl); parameters and bindings are in lib/conv2d.wgsl. A workgroup covers
// 4 * LANES_X pixels by 8 * LANES_Y channels; neighbours differ in pixel first.

#if SUBGROUP != 0
enable subgroups;
#endif

// Set by src/kernels/conv2d.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const SUBGROUP = 0u;  // lanes that share weights: 0, 4 or 8; then LANES_Y is 1, and LANES_X at least as many
const OUT4S = 2u;      // quads of outputs of an invocation: 2 or 4

@compute @workgroup_size(LANES_X, LANES_Y)
fn conv2d(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u,
#if SUBGROUP != 0
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
) {
  let group = workgroup.z;
  let first_pixel = workgroup.y * 4u * LANES_X;
  let pixel = first_pixel + lane.x + vec4u(0u, 1u, 2u, 3u) * LANES_X;
  let out4s = (params.group_out_channels + 3u) / 4u;  // quads of the group's outputs
#if SUBGROUP != 0
  let out4 = OUT4S * workgroup.x;                        // the first of ours
#else
  let subgroup_lane = 0u;
  let out4 = OUT4S * (workgroup.x * LANES_Y + lane.y);   // the first of ours
#endif
  let end = last_pixel();
  if (first_pixel >= end || out4 >= out4s) {
    return;
  }

  let map = params.out_height * params.out_width;
  let image = pixel / map;
  let row = pixel % map / params.out_width;
  let column = pixel % map % params.out_width;
  let top = vec4i(row * params.stride_y) - params.padding_y;
  let left = vec4i(column * params.stride_x) - params.padding_x;

  let row4s = (params.group_channels + 3u) / 4u * 4u * out4s;  // quads of a tap's weights
  var first = group * params.window_height * params.window_width * row4s + out4;
  var tile = Tile();
#if WIDE
  window_left = left;
#endif
  for (var ky = 0u; ky < params.window_height; ky++) {
    let y = top + i32(ky) * params.dilation_y;
    let in_rows = (y >= vec4i(0)) & (y < vec4i(i32(params.height))) & (pixel < vec4u(end));
    let line = (image * params.height + vec4u(y)) * params.width;
#if WIDE
    accumulate(
      &tile, select(vec4u(0u), 4u * line, in_rows), in_rows, 4u * params.window_width, first, out4s, subgroup_lane);
    first += params.window_width * row4s;
#else
    for (var kx = 0u; kx < params.window_width; kx++) {
      let x = left + i32(kx) * params.dilation_x;
      let inside = in_rows & (x >= vec4i(0)) & (x < vec4i(i32(params.width)));
      let at = select(vec4u(0u), (line + vec4u(x)) * params.channels, inside) + group * params.group_channels;
      accumulate(&tile, at, inside, params.group_channels, first, out4s, subgroup_lane);
      first += row4s;
    }
#endif
  }

  let channel = group * params.group_out_channels + 4u * out4;
  for (var i = 0u; i < 4u; i++) {
    if (pixel[i] < end) {
      store(
        pixel[i] * params.out_channels + channel, params.group_out_channels - 4u * out4,
        group * out4s + out4, &tile, i);
    }
  }
}
