// Bilinear reading of `probabilities` [R, M, M], a mask with a ring of zeros, resized to an integer box; or where
// `image_boxes` say, with CENTRES. Needs lib/paste_corners.wgsl and params.side.

// One axis of the resize: the two cells of the padded mask next to a pixel.
struct Tap {
  low: u32,
  high: u32,
  weight: f32,  // of the high one
}

// Pixel `at` of `outputs` over `inputs` cells: (2 at + 1) inputs / (2 outputs) - 1/2, its whole part
// and rest found in integers: a float32 coordinate would lose the last digits of the rest.
fn tap_at(at: u32, inputs: u32, outputs: u32) -> Tap {
  let halves = max((2u * at + 1u) * inputs, outputs) - outputs;
  let low = min(halves / (2u * outputs), inputs - 1u);
  let high = min(low + 1u, inputs - 1u);
  return Tap(low, high, f32(halves - low * 2u * outputs) / f32(2u * outputs));
}

// The taps of row and column `at` of the picture, of the mask whose whole box is `corners`.
fn row_tap(mask: u32, at: i32, corners: vec4i) -> Tap {
#if CENTRES
  return centre_tap(at, image_boxes[mask].y, image_boxes[mask].w);
#else
  return tap_in(at, corners.y, corners.w);
#endif
}

fn column_tap(mask: u32, at: i32, corners: vec4i) -> Tap {
#if CENTRES
  return centre_tap(at, image_boxes[mask].x, image_boxes[mask].z);
#else
  return tap_in(at, corners.x, corners.z);
#endif
}

// The tap of pixel `at` of the picture in an inclusive range first .. last of it.
fn tap_in(at: i32, first: i32, last: i32) -> Tap {
  return tap_at(u32(at - first), params.side + 2u, u32(max(last - first + 1, 1)));
}

// The tap of the middle of pixel `at` of the picture, where the mask lies in low .. high.
fn centre_tap(at: i32, low: f32, high: f32) -> Tap {
  let cells = (f32(at) + 0.5 - low) / (high - low) * f32(params.side) + 0.5;
  let inside = clamp(cells, 0.0, f32(params.side + 1u));
  let cell = u32(inside);
  return Tap(cell, min(cell + 1u, params.side + 1u), inside - f32(cell));
}

// Whether a pixel of this probability is the object's.
fn is_set(probability: f32, threshold: f32) -> bool {
#if CENTRES
  return probability >= threshold;
#else
  return probability > threshold;
#endif
}

fn cell(mask: u32, y: u32, x: u32, side: u32) -> f32 {
  if (y == 0u || x == 0u || y > side || x > side) {
    return 0.0;
  }
  return probabilities[(mask * side + y - 1u) * side + x - 1u];
}

fn pasted_at(mask: u32, y: Tap, x: Tap, side: u32) -> f32 {
  let above = mix(cell(mask, y.low, x.low, side), cell(mask, y.low, x.high, side), x.weight);
  let below = mix(cell(mask, y.high, x.low, side), cell(mask, y.high, x.high, side), x.weight);
  return mix(above, below, y.weight);
}
