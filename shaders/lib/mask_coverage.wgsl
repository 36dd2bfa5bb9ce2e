// Masks between pixels, with soft edges: how much of a canvas pixel a mask covers. Calls paste.wgsl.

// The mask's probability p at `at`, the middle of a canvas pixel, is that of lib/paste.wgsl; a straight edge
// with the slope of p there covers this much of the pixel.
fn mask_coverage(mask: u32, corners: vec4i, at: vec2f) -> f32 {
  let size = vec2f(max(corners.zw - corners.xy + 1, vec2i(1)));
  let from_corner = at * scale() - vec2f(corners.xy);
  if (any(from_corner < vec2f(0.0)) || any(from_corner >= size)) {
    return 0.0;
  }
  let side = params.side;
#if CENTRES
  let box = image_boxes[mask];
  let cells = f32(side) / (box.zw - box.xy);  // a pixel of the picture
  let middle = clamp((at * scale() - box.xy) * cells + 0.5, vec2f(0.0), vec2f(f32(side + 1u)));
#else
  let cells = f32(side + 2u) / size;
  let middle = max(from_corner * cells - 0.5, vec2f(0.0));
#endif
  let low = min(vec2u(middle), vec2u(side + 1u));
  let high = min(low + 1u, vec2u(side + 1u));
  let weight = middle - vec2f(low);
  let top = vec2f(cell(mask, low.y, low.x, side), cell(mask, low.y, high.x, side));
  let bottom = vec2f(cell(mask, high.y, low.x, side), cell(mask, high.y, high.x, side));
  let ends = mix(top, bottom, weight.y);
  let probability = mix(ends.x, ends.y, weight.x);
  // per cell of the mask, then per pixel of the canvas
  let slope = vec2f(ends.y - ends.x, mix(bottom.x - top.x, bottom.y - top.y, weight.x));
  let change = length(slope * cells * scale());
  return clamp(0.5 + (probability - params.mask_threshold) / max(change, MIN_CHANGE), 0.0, 1.0);
}

const MIN_CHANGE = 0.015625;  // of the probability, from a pixel to the next: where it is flat, edges are hard

// What is left of the mask at `at` when its edge is taken off, as wide as the outline is.
fn eroded_coverage(mask: u32, corners: vec4i, at: vec2f) -> f32 {
  var least = 1.0;
  for (var turn = 0u; turn < 8u && least > 0.0; turn++) {
    let angle = f32(turn) * 0.78539816;  // pi / 4
    least = min(least, mask_coverage(mask, corners, at + params.outline_width * vec2f(cos(angle), sin(angle))));
  }
  return least;
}
