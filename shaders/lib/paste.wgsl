// Bilinear reading of `probabilities` [R, M, M], a mask with a ring of zeros, resized to an integer box.

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

// The tap of pixel `at` of the picture in an inclusive range first .. last of it.
fn tap_in(at: i32, first: i32, last: i32, side: u32) -> Tap {
  return tap_at(u32(at - first), side + 2u, u32(max(last - first + 1, 1)));
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
