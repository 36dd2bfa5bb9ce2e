// Softmax over the last axis, as torch.nn.functional.softmax. A NaN counts as -inf, so that it stays alone.
//
//   input  [R, K]
//   count  [1]      with COUNTED: rows at or after it are zeros
//   output [R, K]
//
// One invocation a row: a row is short (91 classes) and there are many.

// Set by src/kernels/softmax.ts.
const COUNTED = false;

const LOWEST = -1e38;  // stands for -inf; differences of bounded numbers cannot overflow

struct Params {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
#if COUNTED
@group(0) @binding(3) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn softmax(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = item_of(group, lane, 64u);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.classes;
  let end = first + params.classes;
  var rows = params.rows;
#if COUNTED
  rows = count[0];
#endif
  var highest = LOWEST;
  var sum = 0.0;
  if (row < rows) {
    for (var i = first; i < end; i++) {
      highest = max(highest, bounded(input[i]));
    }
    for (var i = first; i < end; i++) {
      sum += weight(input[i], highest);
    }
  }
  for (var i = first; i < end; i++) {
    output[i] = select(0.0, weight(input[i], highest) / sum, sum > 0.0);
  }
}

fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn bounded(x: f32) -> f32 {
  return select(clamp(x, LOWEST, -LOWEST), LOWEST, is_nan(x));
}

fn weight(x: f32, highest: f32) -> f32 {
  return select(exp(bounded(x) - highest), 0.0, is_nan(x));
}
