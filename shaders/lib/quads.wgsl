// What the matrix products read: quads of four channels, as float32 or as halves, two to a word. Halves need no
// feature: core WGSL packs and unpacks them.
//
// Needs of the shader: input, weight, and the constants In and Weight: vec4f or vec2u (halves); In also f32, where
// channels are no multiple of four.

// Whether there are places that are read as zeros, beside the map.
const MASKED = true;

// Input channels 4c .. 4c + 3 from element `at` on.
fn load(at: u32, c: u32, inside: bool, channels: u32) -> vec4f {
#if In == f32
  var values = vec4f();
  for (var i = 0u; i < 4u; i++) {
    if (inside && 4u * c + i < channels) {
      values[i] = input[at + 4u * c + i];
    }
  }
  return values;
#else
  return quad(at / 4u + c, inside);
#endif
}

#if In != f32
// Quad `at` of an input whose channels are a multiple of four.
fn quad(at: u32, inside: bool) -> vec4f {
#if In == vec2u
  let values = widen(input[at]);
#else
  let values = input[at];
#endif
#if MASKED
  return select(vec4f(), values, inside);
#else
  return values;
#endif
}
#endif

// Four output channels of one input channel.
fn weights(at: u32) -> vec4f {
#if Weight == vec2u
  return widen(weight[at]);
#else
  return weight[at];
#endif
}
