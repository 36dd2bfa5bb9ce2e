// Box regression: a box from an anchor (or proposal) and its deltas dx dy dw dh, already divided by
// the coder's weights. Girshick et al. 2014 (arXiv:1311.2524), appendix C; order of operations and the
// clamp as torchvision's BoxCoder. Boxes are x1 y1 x2 y2.

const CLAMP_BELOW = false;  // sides shrink 62.5 times at most, too
const INCLUSIVE = false;    // x2 and y2 are a box's last pixels: its width is x2 - x1 + 1

const MAX_LOG_SCALE = 4.135166556742356;  // ln(1000 / 16): a side grows 62.5 times at most

fn decode(anchor: vec4f, deltas: vec4f) -> vec4f {
  let size = sides_of(anchor);
  let centre = deltas.xy * size + (anchor.xy + 0.5 * size);
  var growth = min(deltas.zw, vec2f(MAX_LOG_SCALE));
  if (CLAMP_BELOW) {
    growth = max(growth, vec2f(-MAX_LOG_SCALE));
  }
  let half = 0.5 * (exp(growth) * size);
  return vec4f(centre - half, centre + half - last_pixel());
}

// What a box's last corner is short of its end.
fn last_pixel() -> f32 {
  return select(0.0, 1.0, INCLUSIVE);
}

fn sides_of(box: vec4f) -> vec2f {
  return box.zw - box.xy + last_pixel();
}

// Clips a box to 0..size (x, y). A box that is not finite becomes empty, never NaN.
fn clip(box: vec4f, size: vec2f) -> vec4f {
  let exponents = bitcast<vec4u>(box) & vec4u(0x7f800000u);
  if (any(exponents == vec4u(0x7f800000u))) {
    return vec4f();
  }
  return clamp(box, vec4f(), size.xyxy - last_pixel());
}

// Whether both sides are at least `side`.
fn is_large(box: vec4f, side: f32) -> bool {
  return all(sides_of(box) >= vec2f(side));
}
