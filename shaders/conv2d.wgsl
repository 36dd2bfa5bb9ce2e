// 2-D convolution (cross-correlation, as torch.nn.functional.conv2d) with bias, residual add and ReLU
// fused, as an implicit matrix product: pixels by window-and-input-channels by output channels.
//
//   input  [N, H, W, C]             channels last
//   weight [G, Y, X, C/G, O/G]      packed by pack_weight: channel counts padded to 4, a vec4 is 4 outputs
//   bias   [G * O/G]                padded to 4 likewise
//   add    [N, H', W', O]           optional residual, added before the activation
//   output [N, H', W', O]
//
// One invocation holds a register tile of 4 pixels by 8 output channels (lib/tile.wgsl). A workgroup covers
// 4 * LANES_X pixels by 8 * LANES_Y channels; neighbours differ in pixel first.

// Set by src/kernels/conv2d.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const VEC_IN = true;   // C/G is a multiple of 4: input is read a vec4 at a time
const VEC_OUT = true;  // O/G is a multiple of 4: output is written a vec4 at a time
const BIAS = true;
const ADD = false;
const COUNTED = false; // only the first `count` of N are computed; the others are left as they are
alias In = vec4f;
alias Out = vec4f;

struct Params {
  pixels: u32,         // N * H' * W'
  height: u32,
  width: u32,
  channels: u32,       // C
  group_channels: u32, // C/G
  out_height: u32,
  out_width: u32,
  out_channels: u32,       // O
  group_out_channels: u32, // O/G
  window_height: u32,
  window_width: u32,
  stride_y: u32,
  stride_x: u32,
  padding_y: i32,
  padding_x: i32,
  dilation_y: i32,
  dilation_x: i32,
  floor: f32,  // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<In>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
#endif
#if ADD
@group(0) @binding(5) var<storage, read> add: array<Out>;
#endif
#if COUNTED
@group(0) @binding(6) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(LANES_X, LANES_Y)
fn conv2d(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let group = workgroup.z;
  let pixel = workgroup.x * 4u * LANES_X + lane.x + vec4u(0u, 1u, 2u, 3u) * LANES_X;
  let out4 = 2u * (workgroup.y * LANES_Y + lane.y);   // first of our two vec4s of the group's outputs
  let out4s = (params.group_out_channels + 3u) / 4u;  // how many there are
  let end = last_pixel();
  if (pixel.x >= end || out4 >= out4s) {
    return;
  }

  let map = params.out_height * params.out_width;
  let image = pixel / map;
  let row = pixel % map / params.out_width;
  let column = pixel % map % params.out_width;
  let top = vec4i(row * params.stride_y) - params.padding_y;
  let left = vec4i(column * params.stride_x) - params.padding_x;

  let row4s = (params.group_channels + 3u) / 4u * 4u * out4s;  // vec4s of a tap's weights
  var first = group * params.window_height * params.window_width * row4s + out4;
  var tile = Tile();
  for (var ky = 0u; ky < params.window_height; ky++) {
    for (var kx = 0u; kx < params.window_width; kx++) {
      let y = top + i32(ky) * params.dilation_y;
      let x = left + i32(kx) * params.dilation_x;
      let inside = (y >= vec4i(0)) & (y < vec4i(i32(params.height))) & (x >= vec4i(0))
        & (x < vec4i(i32(params.width))) & (pixel < vec4u(end));
      let cell = (image * params.height + vec4u(y)) * params.width + vec4u(x);
      let at = select(vec4u(0u), cell * params.channels, inside) + group * params.group_channels;
      accumulate(&tile, at, inside, params.group_channels, first, out4s);
      first += row4s;
    }
  }

  let channel = group * params.group_out_channels + 4u * out4;
  for (var i = 0u; i < 4u; i++) {
    if (pixel[i] < end) {
      store(
        pixel[i] * params.out_channels + channel, params.group_out_channels - 4u * out4,
        group * out4s + out4, tile.low[i], tile.high[i]);
    }
  }
}

// One past the last pixel to compute.
fn last_pixel() -> u32 {
#if COUNTED
  return min(params.pixels, count[0] * params.out_height * params.out_width);
#else
  return params.pixels;
#endif
}
