// RoIPool: the largest feature in each bin of each box, boxes and bins rounded to whole pixels.
// Girshick 2015, Fast R-CNN, section 2.1 (arXiv:1504.08083); roundings as torchvision.ops.roi_pool.
//
// Bindings, shapes and the choice of the level are in lib/pyramid.wgsl. A bin with no pixels is 0.

const FAR = 4194304.0;  // 2^22: coordinates are clamped to it, so that no integer here overflows

// Nearest integer, halves away from zero (C++ round; WGSL's goes to the even one).
fn nearest(x: vec2f) -> vec2i {
  let whole = trunc(clamp(x, vec2f(-FAR), vec2f(FAR)));
  return vec2i(whole + select(vec2f(0.0), sign(x), abs(x - whole) >= vec2f(0.5)));
}

// a / P rounded as IEEE rounds it, for 1 <= a <= 2^23 + 1 and P < 256. WGSL's own division may be off
// by 2.5 ULP, enough to make ceil() of a whole number of bins the next whole number.
fn bin_size(a: u32) -> f32 {
  // The quotient of the shifted a has 24 or 25 bits; make it 24.
  var shift = 24u - countLeadingZeros(params.pooled) + countLeadingZeros(a);
  shift -= u32((a << shift) / params.pooled >= 16777216u);
  let quotient = (a << shift) / params.pooled;
  let twice_rest = 2u * ((a << shift) % params.pooled);
  let up = twice_rest > params.pooled || (twice_rest == params.pooled && (quotient & 1u) == 1u);
  return f32(quotient + u32(up)) * bitcast<f32>((127u - shift) << 23u);  // times 2^-shift
}

// The pixels [start, end) of bin `index` along one axis of a box that begins at `corner`.
fn bin_range(index: u32, size: f32, corner: i32, limit: u32) -> vec2i {
  let start = i32(floor(f32(index) * size)) + corner;
  let end = i32(ceil(f32(index + 1u) * size)) + corner;
  return clamp(vec2i(start, end), vec2i(0), vec2i(i32(limit)));
}

@compute @workgroup_size(64)
fn roi_pool(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let bin = bin_of(item);
  if (bin.box >= min(count[0], params.boxes)) {
    return;
  }
  let box = boxes[bin.box];
  if (area_of(box) >= params.end) {
    put(item, vec4f());
    return;
  }
  let level = level_of(box);
  let corner = nearest(box.xy * level.scale);
  let size = vec2u(max(nearest(box.zw * level.scale) - corner + 1, vec2i(1)));  // both ends inclusive
  let columns = bin_range(bin.x, bin_size(size.x), corner.x, level.width);
  let rows = bin_range(bin.y, bin_size(size.y), corner.y, level.height);
  if (columns.x >= columns.y || rows.x >= rows.y) {
    put(item, vec4f(0.0));
    return;
  }
  var largest = feature(level, u32(rows.x), u32(columns.x), bin.quad);
  for (var y = rows.x; y < rows.y; y++) {
    for (var x = columns.x; x < columns.y; x++) {
      largest = max(largest, feature(level, u32(y), u32(x), bin.quad));
    }
  }
  put(item, largest);
}
