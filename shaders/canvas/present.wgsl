// What draw_detections drew, onto a canvas's texture of the same size: a render pass, since a canvas can be written
// by compute shaders in some formats only.
//
//   drawn   [H, W]   bytes R G B A, R lowest; A is 0 or 255

struct Params {
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> drawn: array<u32>;

// One triangle that covers all.
@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
  return vec4f(f32(index & 1u) * 4.0 - 1.0, f32(index >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn pixel(@builtin(position) position: vec4f) -> @location(0) vec4f {
  let at = vec2u(position.xy);
  return unpack4x8unorm(drawn[at.y * params.width + at.x]);
}
