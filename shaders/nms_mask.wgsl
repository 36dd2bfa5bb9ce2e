// Which boxes a box would suppress: the pairs of a group whose IoU passes the threshold.
// Comparison and rounding as torchvision's nms on the CPU.
//
//   boxes   [G, N, 4]     best first
//   offsets [G]           shift of each group's coordinates
//   extents [G]           rows up to the last box
//   mask    [G, N, N/32]  bit j % 32 of word j / 32 in row i: j > i, and IoU(i, j) > threshold.
//                         Undefined, as nms_scan does not read it: beyond the extent, and words before i / 32
//
// One invocation a word: 32 pairs.

// Set by src/kernels/nms_mask.ts.
const INCLUSIVE = false;  // x2 and y2 are a box's last pixels: its width is x2 - x1 + 1

struct Params {
  capacity: u32,   // N
  words: u32,      // N / 32, rounded up
  threshold: f32,  // rounded down, so that iou > threshold decides as it does in f64
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> offsets: array<f32>;
@group(0) @binding(3) var<storage, read> extents: array<u32>;
@group(0) @binding(4) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(256)
fn nms_mask(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  let word = id.y;
  let first = id.z * params.capacity;
  let extent = extents[id.z];
  if (max(row, 32u * word) >= extent || word < row / 32u) {
    return;
  }
  let offset = offsets[id.z];
  let box = boxes[first + row] + offset;
  var bits = 0u;
  for (var j = max(row + 1u, 32u * word); j < min(extent, 32u * word + 32u); j++) {
    if (overlaps(box, boxes[first + j] + offset)) {
      bits |= 1u << (j & 31u);
    }
  }
  mask[(first + row) * params.words + word] = bits;
}

// IoU(a, b) > threshold.
fn overlaps(a: vec4f, b: vec4f) -> bool {
  let sides = sides_of(max(a.xy, b.xy), min(a.zw, b.zw));
  if (any(sides <= vec2f())) {
    return false;
  }
  let intersection = product(sides);
  let both = product(sides_of(a.xy, a.zw)) + product(sides_of(b.xy, b.zw)) - intersection;
  let bound = params.threshold * both;
  if (abs(intersection - bound) > 1e-6 * bound) {
    return intersection > bound;
  }
  return exceeds(bitcast<u32>(intersection), bitcast<u32>(both), bitcast<u32>(params.threshold));
}

fn sides_of(low: vec2f, high: vec2f) -> vec2f {
  return high - low + select(0.0, 1.0, INCLUSIVE);
}

// Width times height, rounded: through the `min`, no multiply-add can fuse with what follows.
fn product(sides: vec2f) -> f32 {
  return min(sides.x * sides.y, 3e38);
}

// Whether round(a / b) > t where a / b is next to t, for normal positive f32s given as bits: division
// on a GPU may be 2.5 ULP off. That is a > b * m, with m halfway from t to the next f32, a number of 25
// bits. In integers: a * 2^-23 against the floor of the mantissas' product * 2^-23.
fn exceeds(a: u32, b: u32, t: u32) -> bool {
  let m = 2u * mantissa(t) + 1u;
  let n = mantissa(b);
  let low = (n & 0xfffu) * (m & 0xfffu);
  let middle = (n >> 12u) * (m & 0xfffu) + (n & 0xfffu) * (m >> 12u) + (low >> 12u);
  let high = 2u * (n >> 12u) * (m >> 12u) + (middle >> 11u);
  return mantissa(a) << ((a >> 23u) + 128u - (b >> 23u) - (t >> 23u)) > high;
}

fn mantissa(bits: u32) -> u32 {
  return (bits & 0x7fffffu) | 0x800000u;
}
