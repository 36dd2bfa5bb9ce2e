// The mean of each window (torch.nn.functional.avg_pool2d), without padding. With a window as large as the map
// it is global average pooling.
//
//   input  [N, H, W, C]     C a multiple of 4
//   output [N, H', W', C]
//
// One invocation writes four channels of one output pixel; neighbours differ in channel.

// Set by src/kernels/avg_pool2d.ts.
alias Quad = vec4f;     // vec4f, or vec2u: four halves
const COUNTED = false;  // only the first `count` of N are computed; the others are left as they are

struct Params {
  items: u32,      // vec4s of the output
  channels4: u32,  // C / 4
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  window_height: u32,
  window_width: u32,
  stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
#if COUNTED
@group(0) @binding(3) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn avg_pool2d(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  let channel = item % params.channels4;
  let column = item / params.channels4 % params.out_width;
  let row = item / (params.channels4 * params.out_width) % params.out_height;
  let image = item / (params.channels4 * params.out_width * params.out_height);
  if (item >= params.items || !is_wanted(image)) {
    return;
  }
  var sum = vec4f();
  for (var y = 0u; y < params.window_height; y++) {
    var of_row = vec4f();  // sums of sums round less
    let first = (image * params.height + row * params.stride + y) * params.width + column * params.stride;
    for (var x = 0u; x < params.window_width; x++) {
#if Quad == vec2u
      of_row += widen(input[(first + x) * params.channels4 + channel]);
#else
      of_row += input[(first + x) * params.channels4 + channel];
#endif
    }
    sum += of_row;
  }
  let mean = sum / f32(params.window_height * params.window_width);
#if Quad == vec2u
  output[item] = narrow(mean);
#else
  output[item] = mean;
#endif
}

fn is_wanted(image: u32) -> bool {
#if COUNTED
  return image < count[0];
#else
  return true;
#endif
}
