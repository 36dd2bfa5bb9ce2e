// RoIAlign: the mean of bilinear samples in each bin of each box, nothing rounded.
// He et al. 2017, Mask R-CNN, section 3 (arXiv:1703.06870); borders as torchvision.ops.roi_align.
//
// Bindings, shapes and the choice of the level are in lib/pyramid.wgsl. Samples outside the map are 0
// and count in the mean. Boxes are finite, or NaN: then all their samples are outside.

const ALIGNED = false;  // true: pixel centres are at .5, and boxes may be smaller than a feature pixel

// One axis of a box.
struct Axis {
  start: f32,  // of the bin
  step: f32,  // between samples
  samples: u32,
  near: vec2u,  // the samples first .. end - 1 that can be inside the map
}

fn axis_of(low: f32, high: f32, bin: u32, size: u32) -> Axis {
  let half_pixel = select(0.0, 0.5, ALIGNED);
  let corner = low - half_pixel;
  var length = high - half_pixel - corner;
  if (!ALIGNED && length < 1.0) {  // not max(): NaN stays
    length = 1.0;
  }
  let bin_length = length / f32(params.pooled);
  let start = corner + f32(bin) * bin_length;
  if (params.samples > 0u) {
    return Axis(start, bin_length / f32(params.samples), params.samples, vec2u(0u, params.samples));
  }
  if (!(length > 0.0)) {
    return Axis(start, 0.0, 0u, vec2u(0u));
  }
  // Division may be off by 2.5 ULP, enough to make ceil(14 / 7) three; the product is exact.
  var samples = ceil(bin_length);
  samples -= f32((samples - 1.0) * f32(params.pooled) >= length);
  let step = bin_length / samples;
  let reach = (vec2f(-1.0, f32(size)) - start) / step + vec2f(-2.0, 2.0);  // boxes may be huge
  return Axis(start, step, u32(samples), vec2u(clamp(reach, vec2f(0.0), vec2f(samples))));
}

// The two pixels next to a sample.
struct Pair {
  low: u32,
  high: u32,
  weight: f32,  // of the high one
  inside: bool,
}

fn pair_at(axis: Axis, sample: u32, size: u32) -> Pair {
  let coordinate = axis.start + (f32(sample) + 0.5) * axis.step;
  let inside = coordinate >= -1.0 && coordinate <= f32(size);  // false for NaN
  let clamped = clamp(coordinate, 0.0, f32(size - 1u));
  let low = min(u32(clamped), size - 1u);
  return Pair(low, min(low + 1u, size - 1u), clamped - f32(low), inside);
}

@compute @workgroup_size(64)
fn roi_align(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let bin = bin_of(item);
  if (bin.box >= min(count[0], params.boxes)) {
    return;
  }
  if (area_of(boxes[bin.box]) >= params.end) {
    put(item, vec4f());
    return;
  }
  let level = level_of(boxes[bin.box]);
  let box = boxes[bin.box] * level.scale;
  let columns = axis_of(box.x, box.z, bin.x, level.width);
  let rows = axis_of(box.y, box.w, bin.y, level.height);
  var sum = vec4f(0.0);
  for (var i = rows.near.x; i < rows.near.y; i++) {
    let y = pair_at(rows, i, level.height);
    for (var j = columns.near.x; j < columns.near.y; j++) {
      let x = pair_at(columns, j, level.width);
      if (y.inside && x.inside) {
        let top_left = feature(level, y.low, x.low, bin.quad);
        let top_right = feature(level, y.low, x.high, bin.quad);
        let bottom_left = feature(level, y.high, x.low, bin.quad);
        let bottom_right = feature(level, y.high, x.high, bin.quad);
        let above = mix(top_left, top_right, x.weight);
        let below = mix(bottom_left, bottom_right, x.weight);
        sum += mix(above, below, y.weight);
      }
    }
  }
  put(item, sum / max(f32(rows.samples) * f32(columns.samples), 1.0));
}
