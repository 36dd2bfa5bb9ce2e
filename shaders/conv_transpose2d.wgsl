// 2-D transposed convolution (torch.nn.functional.conv_transpose2d) with bias and ReLU fused: each output
// pixel gathers the input pixels that a stride-s convolution would have scattered to it.
//
//   input  [N, H, W, C]
//   weight [1, Y, X, C, O]      packed by pack_weight from [C, O, Y, X]: channels padded to 4
//   bias   [O]                  padded to 4
//   output [N, H', W', O]       H' = (H - 1) * stride - 2 * padding + dilation * (Y - 1) + 1 + output padding
//
// Output pixels of one phase (y % stride, x % stride) read the same window taps, so a workgroup takes one
// phase (workgroup.z) and skips the taps that do not meet it: a 2x2 window of stride 2 costs one tap a pixel.
// The register tile is 4 pixels by 8 channels (lib/tile.wgsl).

#if SUBGROUP != 0
enable subgroups;
#endif

// Set by src/kernels/conv_transpose2d.ts; the values here are the defaults.
const LANES_X = 8u;
const LANES_Y = 8u;
const SUBGROUP = 0u;  // lanes that share weights: 0, 4 or 8; then LANES_Y is 1, and LANES_X at least as many
const OUT4S = 2u;      // quads of outputs of an invocation: 2 or 4
const BIAS = true;
const SCALE = false;  // outputs are multiplied, too: bias holds quads of factors and of biases by turns
const ADD = false;
const COUNTED = false;  // only the first `count` of N are computed; the others are left as they are
alias In = vec4f;       // vec4f, or vec2u: four halves, or f32: C is no multiple of 4
alias Weight = vec4f;   // vec4f or vec2u
alias Out = vec4f;      // as In, for O

struct Params {
  batch: u32,         // N
  height: u32,
  width: u32,
  channels: u32,      // C
  out_height: u32,
  out_width: u32,
  out_channels: u32,  // O
  phase_height: u32,  // rows of outputs of one phase: ceil(H' / stride)
  phase_width: u32,
  window_height: u32,
  window_width: u32,
  stride: u32,
  padding: i32,
  dilation: i32,
  floor: f32,  // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<In>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
#endif
#if COUNTED
@group(0) @binding(5) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(LANES_X, LANES_Y)
fn conv_transpose2d(
  @builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u,
#if SUBGROUP != 0
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
) {
  let map = params.phase_height * params.phase_width;
  let first_pixel = workgroup.y * 4u * LANES_X;
  let pixel = first_pixel + lane.x + vec4u(0u, 1u, 2u, 3u) * LANES_X;
  let out4s = (params.out_channels + 3u) / 4u;
#if SUBGROUP != 0
  let out4 = OUT4S * workgroup.x;
#else
  let subgroup_lane = 0u;
  let out4 = OUT4S * (workgroup.x * LANES_Y + lane.y);
#endif
  let end = images() * map;
  if (first_pixel >= end || out4 >= out4s) {
    return;
  }

  let image = pixel / map;
  let phase_y = workgroup.z / params.stride;
  let phase_x = workgroup.z % params.stride;
  let row = pixel % map / params.phase_width * params.stride + phase_y;
  let column = pixel % map % params.phase_width * params.stride + phase_x;
  let real = (pixel < vec4u(end)) & (row < vec4u(params.out_height)) & (column < vec4u(params.out_width));

  let row4s = (params.channels + 3u) / 4u * 4u * out4s;  // quads of a tap's weights
  let stride = i32(params.stride);
  var tile = Tile();
  for (var ky = 0u; ky < params.window_height; ky++) {
    let up = params.padding - i32(ky) * params.dilation;
    if ((i32(phase_y) + up) % stride != 0) {
      continue;  // this tap meets no output of the phase
    }
    let y = vec4i(row) + up;
    for (var kx = 0u; kx < params.window_width; kx++) {
      let left = params.padding - i32(kx) * params.dilation;
      if ((i32(phase_x) + left) % stride != 0) {
        continue;
      }
      let x = vec4i(column) + left;
      let inside = real & (y >= vec4i(0)) & (y / stride < vec4i(i32(params.height)))
        & (x >= vec4i(0)) & (x / stride < vec4i(i32(params.width)));
      let cell = (image * params.height + vec4u(y / stride)) * params.width + vec4u(x / stride);
      let at = select(vec4u(0u), cell * params.channels, inside);
      accumulate(
        &tile, at, inside, params.channels, (ky * params.window_width + kx) * row4s + out4, out4s, subgroup_lane);
    }
  }

  let to = (image * params.out_height + row) * params.out_width + column;
  for (var i = 0u; i < 4u; i++) {
    if (real[i]) {
      store(
        to[i] * params.out_channels + 4u * out4, params.out_channels - 4u * out4, out4, &tile, i);
    }
  }
}

// How many of the batch to compute.
fn images() -> u32 {
#if COUNTED
  return min(params.batch, count[0]);
#else
  return params.batch;
#endif
}
