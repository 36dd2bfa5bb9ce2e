// What the matrix products read: quads of four channels, as float32 or as halves, two to a word. Halves need no
// feature: core WGSL packs and unpacks them.
//
// Needs of the shader: input, weight, and the constants In and Weight: vec4f or vec2u (halves); In also f32, where
// channels are no multiple of four.

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
#elif In == vec2u
  return select(vec4f(), widen(input[at / 4u + c]), inside);
#else
  return select(vec4f(), input[at / 4u + c], inside);
#endif
}

// Four output channels of one input channel.
fn weights(at: u32) -> vec4f {
#if Weight == vec2u
  return widen(weight[at]);
#else
  return weight[at];
#endif
}
