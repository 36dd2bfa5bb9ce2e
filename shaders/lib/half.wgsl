// Four halves in two words, and back. What a half cannot hold becomes the largest that it can: no infinities.

fn widen(halves: vec2u) -> vec4f {
  return vec4f(unpack2x16float(halves.x), unpack2x16float(halves.y));
}

fn narrow(values: vec4f) -> vec2u {
  let held = clamp(values, vec4f(-65504.0), vec4f(65504.0));
  return vec2u(pack2x16float(held.xy), pack2x16float(held.zw));
}
