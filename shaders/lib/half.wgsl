// Halves, two to a word. What a half cannot hold becomes the largest that it can: no infinities.

fn widen(halves: vec2u) -> vec4f {
  return vec4f(unpack2x16float(halves.x), unpack2x16float(halves.y));
}

fn narrow(values: vec4f) -> vec2u {
  return vec2u(narrow2(values.xy), narrow2(values.zw));
}

fn narrow2(values: vec2f) -> u32 {
  return pack2x16float(clamp(values, vec2f(-65504.0), vec2f(65504.0)));
}
