// The peak of each keypoint's heatmap: twice enlarged, bilinearly to double its side and bicubically to whole pixels
// of its box, as torchvision's heatmaps_to_keypoints and detectron2's. He et al. 2017 (arXiv:1703.06870), section 5.
//
//   heatmaps  [R, M, M, K]
//   boxes     [R, 4]      pixels of the resized image
//   count     [1]         how many rows are real
//   keypoints [R, K, 3]   x and y in pixels of the picture, score; rows from count on are 0
//
// One workgroup a heatmap. Each lane looks through every 256th column of the enlarged map, from the top down, so that
// it interpolates across once for all of a column.

// Set by src/kernels/decode_keypoints.ts.
const SIDE = 28u;           // M
const PROBABILITY = false;  // the score is the peak's softmax over the doubled map, not the enlarged map's value

const DOUBLE = 2u * SIDE;
const LANES = 256u;
const CUBIC = -0.75;  // A of Keys 1981, as PyTorch has it

struct Params {
  keypoints_each: u32,  // K
  x_scale: f32,
  y_scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read_write> keypoints: array<f32>;

// The best of a lane: where, row by row, and what.
struct Peak {
  value: f32,
  at: u32,
}

var<workgroup> doubled: array<f32, DOUBLE * DOUBLE>;
var<workgroup> peaks: array<Peak, LANES>;

@compute @workgroup_size(256)
fn decode_keypoints(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let keypoint = group.x;
  let row = group.y;
  let out = 3u * (row * params.keypoints_each + keypoint);
  if (row >= count[0]) {
    if (lane < 3u) {
      keypoints[out + lane] = 0.0;
    }
    return;
  }
  for (var i = lane; i < DOUBLE * DOUBLE; i += LANES) {
    doubled[i] = doubled_at(row, keypoint, i / DOUBLE, i % DOUBLE);
  }
  workgroupBarrier();

  let box = boxes[row];
  let size = max(box.zw - box.xy, vec2f(1.0));
  let whole = vec2u(ceil(size));
  peaks[lane] = peak_of_columns(lane, whole);
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      peaks[lane] = better(peaks[lane], peaks[lane + half]);
    }
  }
  workgroupBarrier();
  let peak = peaks[0];
  let cell = vec2f(vec2u(peak.at % whole.x, peak.at / whole.x)) + 0.5;
  let place = cell * (size / vec2f(whole)) + box.xy;
  var score = peak.value;
#if PROBABILITY
  workgroupBarrier();
  var sum = 0.0;
  for (var i = lane; i < DOUBLE * DOUBLE; i += LANES) {
    sum += exp(doubled[i] - score);
  }
  peaks[lane].value = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      peaks[lane].value += peaks[lane + half].value;
    }
  }
  workgroupBarrier();
  score = 1.0 / peaks[0].value;
#endif
  if (lane == 0u) {
    keypoints[out] = place.x * params.x_scale;
    keypoints[out + 1u] = place.y * params.y_scale;
    keypoints[out + 2u] = score;
  }
}

// The heatmap at twice its side, bilinear, half-pixel centres.
fn doubled_at(row: u32, keypoint: u32, y: u32, x: u32) -> f32 {
  let at = vec2u(x, y);
  let low = (max(at, vec2u(1u)) - 1u) / 2u;
  let high = min(low + 1u, vec2u(SIDE - 1u));
  let between = select(vec2f(0.25), vec2f(0.75), (at & vec2u(1u)) == vec2u(0u));
  let weight = select(between, vec2f(0.0), at == vec2u(0u));
  let top = mix(heat(row, keypoint, low.y, low.x), heat(row, keypoint, low.y, high.x), weight.x);
  let bottom = mix(heat(row, keypoint, high.y, low.x), heat(row, keypoint, high.y, high.x), weight.x);
  return mix(top, bottom, weight.y);
}

fn heat(row: u32, keypoint: u32, y: u32, x: u32) -> f32 {
  return heatmaps[((row * SIDE + y) * SIDE + x) * params.keypoints_each + keypoint];
}

// The highest of the enlarged map's columns lane, lane + LANES, …; of equal ones the first, row by row.
fn peak_of_columns(lane: u32, whole: vec2u) -> Peak {
  var best = Peak(-3.4028234e38, 0xffffffffu);
  var column: array<f32, DOUBLE>;
  for (var x = lane; x < whole.x; x += LANES) {
    let across = taps_at(x, whole.x);
    for (var y = 0u; y < DOUBLE; y++) {
      let line = y * DOUBLE;
      column[y] = dot(across.weights, vec4f(
        doubled[line + across.cells.x], doubled[line + across.cells.y], doubled[line + across.cells.z],
        doubled[line + across.cells.w]));
    }
    for (var y = 0u; y < whole.y; y++) {
      let down = taps_at(y, whole.y);
      let value = dot(down.weights, vec4f(
        column[down.cells.x], column[down.cells.y], column[down.cells.z], column[down.cells.w]));
      best = better(best, Peak(value, y * whole.x + x));
    }
  }
  return best;
}

fn better(a: Peak, b: Peak) -> Peak {
  if (b.value > a.value || (b.value == a.value && b.at < a.at)) {
    return b;
  }
  return a;
}

// Four cells and their weights.
struct Taps {
  cells: vec4u,
  weights: vec4f,
}

// Bicubic, half-pixel centres, edges repeated: pixel `at` of `outputs` over DOUBLE cells. Its place is
// (2 at + 1) DOUBLE / (2 outputs) - 1/2, whose whole part and rest are found in integers.
fn taps_at(at: u32, outputs: u32) -> Taps {
  let halves = i32((2u * at + 1u) * DOUBLE) - i32(outputs);  // in units of 1 / (2 outputs)
  let step = i32(2u * outputs);
  let low = (halves + step) / step - 1;  // rounded down, from -1 on
  let t = f32(halves - low * step) / f32(step);
  let cells = clamp(low + vec4i(-1, 0, 1, 2), vec4i(0), vec4i(i32(DOUBLE) - 1));
  return Taps(vec4u(cells), vec4f(far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)));
}

fn near(x: f32) -> f32 {
  return ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0;
}

fn far(x: f32) -> f32 {
  return ((CUBIC * x - 5.0 * CUBIC) * x + 8.0 * CUBIC) * x - 4.0 * CUBIC;
}
