// Box regression: a box from an anchor (or proposal) and its deltas dx dy dw dh, already divided by
// the coder's weights. Girshick et al. 2014 (arXiv:1311.2524), appendix C; order of operations and the
// clamp as torchvision's BoxCoder. Boxes are x1 y1 x2 y2.

const MAX_LOG_SCALE = 4.135166556742356;  // ln(1000 / 16): a side grows 62.5 times at most

fn decode(anchor: vec4f, deltas: vec4f) -> vec4f {
  let size = anchor.zw - anchor.xy;
  let centre = deltas.xy * size + (anchor.xy + 0.5 * size);
  let half = 0.5 * (exp(min(deltas.zw, vec2f(MAX_LOG_SCALE))) * size);
  return vec4f(centre - half, centre + half);
}

// Clips a box to 0..size (x, y). A box that is not finite becomes empty, never NaN.
fn clip(box: vec4f, size: vec2f) -> vec4f {
  let exponents = bitcast<vec4u>(box) & vec4u(0x7f800000u);
  if (any(exponents == vec4u(0x7f800000u))) {
    return vec4f();
  }
  return clamp(box, vec4f(), size.xyxy);
}

// Whether both sides are at least `side`.
fn is_large(box: vec4f, side: f32) -> bool {
  return all(box.zw - box.xy >= vec2f(side));
}
