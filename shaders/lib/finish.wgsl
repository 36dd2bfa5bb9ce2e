// The end of a layer: bias, residual and activation, and the writing of quads of four channels, as float32 or as
// halves, two to a word. Calls lib/activation.wgsl.
//
// Needs of the shader: output, bias (if BIAS), add (if ADD), params.floor, and the constants Out, BIAS, SCALE, ADD.
// With SCALE, `bias` holds a quad of factors and one of biases by turns: the batch norm of halves, which to fold
// would round. Out is vec4f, vec2u (halves), or f32 where channels are no multiple of four.

// Adds bias and residual, applies the activation, writes up to four channels from element `at` on.
fn finish(at: u32, left: u32, bias4: u32, sum: vec4f) {
  var value = sum;
#if SCALE
  value = value * bias[2u * bias4] + bias[2u * bias4 + 1u];
#elif BIAS
  value += bias[bias4];
#endif
#if Out == f32
#if ADD
  for (var i = 0u; i < min(4u, left); i++) {
    value[i] += add[at + i];
  }
#endif
  value = activate(value, params.floor);
  for (var i = 0u; i < min(4u, left); i++) {
    output[at + i] = value[i];
  }
#elif Out == vec2u
#if ADD
  value += widen(add[at / 4u]);
#endif
  output[at / 4u] = narrow(activate(value, params.floor));
#else
#if ADD
  value += add[at / 4u];
#endif
  output[at / 4u] = activate(value, params.floor);
#endif
}
