// 2-D convolution (cross-correlation, as torch.nn.functional.conv2d) with bias, residual add and ReLU
// fused, as an implicit matrix product: pixels by window-and-input-channels by output channels.
//
//   input  [N, H, W, C]             channels last
//   weight [G, Y, X, C/G, O/G]      packed by pack_weight: channel counts padded to 4, a vec4 is 4 outputs
//   bias   [G * O/G]                padded to 4 likewise
//   add    [N, H', W', O]           optional residual, added before the activation
//   output [N, H', W', O]
//
// One invocation holds a register tile of 4 pixels by 8 output channels: two 4x4 blocks, and each block
// grows by a product of 4x4 matrices for every four input channels. A workgroup covers
// 4 * LANES_X pixels by 8 * LANES_Y channels; neighbours differ in pixel first.

// Set by src/kernels/conv2d.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const VEC_IN = true;   // C/G is a multiple of 4: input is read a vec4 at a time
const VEC_OUT = true;  // O/G is a multiple of 4: output is written a vec4 at a time
const BIAS = true;
const ADD = false;
const RELU = false;
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

  let in4s = (params.group_channels + 3u) / 4u;
  var weight_at = group * params.window_height * params.window_width * in4s * 4u * out4s + out4;
  var block0 = mat4x4f();  // column i: pixel i, rows: 4 output channels
  var block1 = mat4x4f();  // the next 4 output channels
  for (var ky = 0u; ky < params.window_height; ky++) {
    for (var kx = 0u; kx < params.window_width; kx++) {
      let y = top + i32(ky) * params.dilation_y;
      let x = left + i32(kx) * params.dilation_x;
      let inside = (y >= vec4i(0)) & (y < vec4i(i32(params.height))) & (x >= vec4i(0))
        & (x < vec4i(i32(params.width))) & (pixel < vec4u(end));
      let cell = (image * params.height + vec4u(y)) * params.width + vec4u(x);
      let at = select(vec4u(0u), cell * params.channels, inside) + group * params.group_channels;
      for (var c = 0u; c < in4s; c++) {
        let columns = mat4x4f(
          load(at.x, c, inside.x), load(at.y, c, inside.y), load(at.z, c, inside.z), load(at.w, c, inside.w));
        block0 += mat4x4f(
          weight[weight_at], weight[weight_at + out4s],
          weight[weight_at + 2u * out4s], weight[weight_at + 3u * out4s]) * columns;
        block1 += mat4x4f(
          weight[weight_at + 1u], weight[weight_at + 1u + out4s],
          weight[weight_at + 1u + 2u * out4s], weight[weight_at + 1u + 3u * out4s]) * columns;
        weight_at += 4u * out4s;
      }
    }
  }

  store(pixel.x, end, group, out4, block0[0], block1[0]);
  store(pixel.y, end, group, out4, block0[1], block1[1]);
  store(pixel.z, end, group, out4, block0[2], block1[2]);
  store(pixel.w, end, group, out4, block0[3], block1[3]);
}

// One past the last pixel to compute.
fn last_pixel() -> u32 {
#if COUNTED
  return min(params.pixels, count[0] * params.out_height * params.out_width);
#else
  return params.pixels;
#endif
}

// Input channels 4c .. 4c + 3 from element `at` on; zeros where the window is outside the map.
fn load(at: u32, c: u32, inside: bool) -> vec4f {
#if VEC_IN
  return select(vec4f(), input[at / 4u + c], inside);
#else
  var channels = vec4f();
  for (var i = 0u; i < 4u; i++) {
    if (inside && 4u * c + i < params.group_channels) {
      channels[i] = input[at + 4u * c + i];
    }
  }
  return channels;
#endif
}

fn store(pixel: u32, end: u32, group: u32, out4: u32, first: vec4f, second: vec4f) {
  if (pixel < end) {
    finish(pixel, group, out4, first);
    finish(pixel, group, out4 + 1u, second);
  }
}

// Adds bias and residual, applies the activation, writes four output channels of a pixel.
fn finish(pixel: u32, group: u32, out4: u32, sum: vec4f) {
  let out4s = (params.group_out_channels + 3u) / 4u;
  if (out4 >= out4s) {
    return;
  }
  var value = sum;
#if BIAS
  value += bias[group * out4s + out4];
#endif
  let at = pixel * params.out_channels + group * params.group_out_channels + 4u * out4;
#if VEC_OUT
#if ADD
  value += add[at / 4u];
#endif
  output[at / 4u] = activate(value);
#else
  for (var i = 0u; i < 4u && 4u * out4 + i < params.group_out_channels; i++) {
    var one = value[i];
#if ADD
    one += add[at + i];
#endif
    output[at + i] = activate(vec4f(one)).x;
  }
#endif
}

fn activate(value: vec4f) -> vec4f {
  if (RELU) {
    return max(value, vec4f());
  }
  return value;
}
