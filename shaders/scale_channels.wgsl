// The end of squeeze and excitation (Hu et al. 2018, arXiv:1709.01507, equation 4), with the hard sigmoid of
// MobileNetV3 (Howard et al. 2019, arXiv:1905.02244, section 5.2): each channel times min(max(gate + 3, 0), 6) / 6.
//
//   input  [N, H, W, C]   C a multiple of 4
//   gate   [N, 1, 1, C]
//   output [N, H, W, C]
//
// One invocation writes four channels of one pixel.

// Set by src/kernels/scale_channels.ts.
alias Quad = vec4f;  // vec4f, or vec2u: four halves

struct Params {
  items: u32,   // vec4s of the output
  quads: u32,   // C / 4
  pixels: u32,  // H W
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Quad>;
@group(0) @binding(2) var<storage, read> gate: array<Quad>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;

@compute @workgroup_size(64)
fn scale_channels(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let image = item / (params.quads * params.pixels);
  let own = image * params.quads + item % params.quads;
#if Quad == vec2u
  output[item] = narrow(widen(input[item]) * opening(widen(gate[own])));
#else
  output[item] = input[item] * opening(gate[own]);
#endif
}

fn opening(x: vec4f) -> vec4f {
  return clamp(x + 3.0, vec4f(0.0), vec4f(6.0)) / 6.0;
}
