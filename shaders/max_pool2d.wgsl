// The largest value of each window (torch.nn.functional.max_pool2d). Padding counts as -infinity.
// With a 1x1 window and stride 2 it is plain subsampling, as FPN makes P6 of P5.
//
//   input  [N, H, W, C]     C a multiple of 4
//   output [N, H', W', C]
//
// One invocation writes four channels of one output pixel; neighbours differ in channel.

// Set by src/kernels/max_pool2d.ts; the value here is the default.
alias Quad = vec4f;  // vec4f, or vec2u: four halves

struct Params {
  items: u32,    // vec4s of the output
  height: u32,
  width: u32,
  channels4: u32,  // C / 4
  out_height: u32,
  out_width: u32,
  window: u32,
  stride: u32,
  padding: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;

@compute @workgroup_size(64)
fn max_pool2d(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let channel = item % params.channels4;
  let column = item / params.channels4 % params.out_width;
  let row = item / (params.channels4 * params.out_width) % params.out_height;
  let image = item / (params.channels4 * params.out_width * params.out_height);
  let top = i32(row * params.stride) - params.padding;
  let left = i32(column * params.stride) - params.padding;

  let first_y = u32(max(top, 0));
  let first_x = u32(max(left, 0));
  let end_y = min(u32(top + i32(params.window)), params.height);
  let end_x = min(u32(left + i32(params.window)), params.width);
  var largest = quad_at((image * params.height + first_y) * params.width + first_x, channel);
  for (var y = first_y; y < end_y; y++) {
    for (var x = first_x; x < end_x; x++) {
      largest = max(largest, quad_at((image * params.height + y) * params.width + x, channel));
    }
  }
#if Quad == vec2u
  output[item] = narrow(largest);
#else
  output[item] = largest;
#endif
}

fn quad_at(pixel: u32, channel: u32) -> vec4f {
#if Quad == vec2u
  return widen(input[pixel * params.channels4 + channel]);
#else
  return input[pixel * params.channels4 + channel];
#endif
}
