// A picture that the browser holds as a texture, as the pixels that preprocess reads.
//
//   picture   a video's frame with EXTERNAL, in sRGB; else a texture of the picture's size
//   pixels    [H, W]   bytes R G B A, R lowest
//
// One invocation writes one pixel.

// Set by src/texture_import.ts.
const EXTERNAL = false;

struct Params {
  height: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#if EXTERNAL
@group(0) @binding(1) var picture: texture_external;
@group(0) @binding(2) var linear: sampler;
#else
@group(0) @binding(1) var picture: texture_2d<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(64)
fn import_texture(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let at = vec2u(item % params.width, item / params.width);
  if (at.y >= params.height) {
    return;
  }
#if EXTERNAL
  // by place instead of by pixel: a frame may be stored at another size than it is shown at
  let size = vec2f(f32(params.width), f32(params.height));
  let colour = textureSampleBaseClampToEdge(picture, linear, (vec2f(at) + 0.5) / size);
#else
  let colour = textureLoad(picture, at, 0);
#endif
  pixels[item] = pack4x8unorm(colour);
}
