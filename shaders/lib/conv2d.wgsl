// What conv2d and conv2d_workgroup share: constants, parameters, bindings. Shapes are in conv2d.wgsl.

// Set by src/kernels/conv2d.ts; the values here are the defaults.
const BIAS = true;
const SCALE = false;  // outputs are multiplied, too: bias holds quads of factors and of biases by turns
const ADD = false;
const COUNTED = false;  // only the first `count` of N are computed; the others are left as they are
alias In = vec4f;       // vec4f, or vec2u: four halves, or f32: C/G is no multiple of 4
alias Weight = vec4f;   // vec4f or vec2u
alias Out = vec4f;      // as In, for O/G

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
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
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

// One past the last pixel to compute.
fn last_pixel() -> u32 {
#if COUNTED
  return min(params.pixels, count[0] * params.out_height * params.out_width);
#else
  return params.pixels;
#endif
}
