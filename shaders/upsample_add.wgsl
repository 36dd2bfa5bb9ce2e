// FPN's top-down step: the coarser map, resized by nearest neighbour to the lateral's exact size, plus the
// lateral. Lin et al. 2017, Feature Pyramid Networks, figure 3 (arXiv:1612.03144).
//
//   lateral [N, H, W, C]    C a multiple of 4
//   coarse  [N, h, w, C]
//   output  [N, H, W, C]    source row of y: min(floor(y * fl(h / H)), h - 1), as torch's nearest
//
// One invocation writes four channels of one pixel; neighbours differ in channel.

// Set by src/kernels/upsample_add.ts; the value here is the default.
alias Quad = vec4f;  // vec4f, or vec2u: four halves

struct Params {
  items: u32,      // vec4s of the output
  height: u32,
  width: u32,
  channels4: u32,  // C / 4
  coarse_height: u32,
  coarse_width: u32,
  scale_y: f32,    // h / H
  scale_x: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lateral: array<Quad>;
@group(0) @binding(2) var<storage, read> coarse: array<Quad>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;

@compute @workgroup_size(64)
fn upsample_add(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let channel = item % params.channels4;
  let column = item / params.channels4 % params.width;
  let row = item / (params.channels4 * params.width) % params.height;
  let image = item / (params.channels4 * params.width * params.height);
  let y = min(u32(f32(row) * params.scale_y), params.coarse_height - 1u);
  let x = min(u32(f32(column) * params.scale_x), params.coarse_width - 1u);
  let source = ((image * params.coarse_height + y) * params.coarse_width + x) * params.channels4 + channel;
#if Quad == vec2u
  output[item] = narrow(widen(lateral[item]) + widen(coarse[source]));
#else
  output[item] = lateral[item] + coarse[source];
#endif
}
