// Depthwise 2-D convolution: each channel with a window of its own (torch.nn.functional.conv2d with groups =
// channels = outputs), with bias and ReLU fused. Howard et al. 2017, MobileNets (arXiv:1704.04861), equation 3.
//
//   input  [N, H, W, C]     channels last, C a multiple of 4
//   weight [Y * X, C]       packed by pack_weight: one row a tap
//   bias   [C]
//   output [N, H', W', C]
//
// One invocation writes four channels of four pixels of a row, so that a tap's weight is read once for all four;
// neighbours differ in channel.

// Set by src/kernels/depthwise_conv2d.ts; the values here are the defaults.
const BIAS = true;
alias Quad = vec4f;     // vec4f, or vec2u: four halves; of input and output
const COUNTED = false;  // only the first `count` of N are computed; the others are left as they are

struct Params {
  items: u32,   // of all invocations: N * H' * strips * quads
  quads: u32,   // C / 4
  strips: u32,  // W' / 4, rounded up
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  window_height: u32,
  window_width: u32,
  stride_y: u32,
  stride_x: u32,
  padding_y: i32,
  padding_x: i32,
  dilation_y: i32,
  dilation_x: i32,
  floor: f32,   // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Quad>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
#endif
#if COUNTED
@group(0) @binding(5) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn depthwise_conv2d(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= end_item()) {
    return;
  }
  let quad = item % params.quads;
  let strip = item / params.quads % params.strips;
  let rows = item / (params.quads * params.strips);  // of all images
  let image = rows / params.out_height;
  let column = 4u * strip + vec4u(0u, 1u, 2u, 3u);
  let top = i32(rows % params.out_height * params.stride_y) - params.padding_y;
  let left = vec4i(column * params.stride_x) - params.padding_x;

  var sums = mat4x4f();  // column i: pixel i
  for (var ky = 0u; ky < params.window_height; ky++) {
    let y = top + i32(ky) * params.dilation_y;
    if (y < 0 || y >= i32(params.height)) {
      continue;
    }
    let first = (image * params.height + u32(y)) * params.width;
    for (var kx = 0u; kx < params.window_width; kx++) {
      let x = left + i32(kx) * params.dilation_x;
      let inside = (x >= vec4i(0)) & (x < vec4i(i32(params.width)));
      let at = select(vec4u(0u), (first + vec4u(x)) * params.quads + quad, inside);
      let tap = weight[(ky * params.window_width + kx) * params.quads + quad];
      sums += mat4x4f(
        tap * load(at.x, inside.x), tap * load(at.y, inside.y),
        tap * load(at.z, inside.z), tap * load(at.w, inside.w));
    }
  }
  for (var i = 0u; i < 4u; i++) {
    if (column[i] < params.out_width) {
      output[(rows * params.out_width + column[i]) * params.quads + quad] = finish(sums[i], quad);
    }
  }
}

// One past the last item to compute.
fn end_item() -> u32 {
#if COUNTED
  return min(params.items, count[0] * params.out_height * params.strips * params.quads);
#else
  return params.items;
#endif
}

fn load(at: u32, inside: bool) -> vec4f {
#if Quad == vec2u
  return select(vec4f(), widen(input[at]), inside);
#else
  return select(vec4f(), input[at], inside);
#endif
}

// Adds the bias and applies the activation.
fn finish(sum: vec4f, quad: u32) -> Quad {
  var value = sum;
#if BIAS
  value += bias[quad];
#endif
#if Quad == vec2u
  return narrow(activate(value, params.floor));
#else
  return activate(value, params.floor);
#endif
}
