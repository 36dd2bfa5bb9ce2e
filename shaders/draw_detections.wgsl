// The picture with its detections drawn over it, fitted into a canvas of another size: aspect ratio kept, the
// rest left transparent.
//
//   pixels        [H, W]      bytes R G B A, R lowest
//   image_boxes   [R, 4]      x1 y1 x2 y2, pixels of the picture
//   scores        [R]
//   labels        [R]         from 1 on
//   count         [1]         how many rows are real
//   palette       [C, 4]      R G B 0, each 0..1
//   probabilities [R, M, M]   with MASKS
//   drawn         [canvas height, canvas width]   bytes R G B A: A is 255 on the picture, all are 0 beside it
//
// Masks are pasted as by lib/paste.wgsl, at the middle of each canvas pixel instead of each picture pixel: where
// the two are the same, a pixel is more than half covered exactly where its bit of paste_mask_bits is set.
//
// A workgroup draws a tile of 8 x 8 pixels. It first notes the detections that touch the tile, a bit each, so that
// a pixel looks at those only; the best, which are the first, are drawn last.

// Set by src/kernels/draw_detections.ts.
const MASKS = true;

struct Params {
  canvas_height: u32,
  canvas_width: u32,
  top: u32,  // of the picture in the canvas, like the next three
  left: u32,
  fit_height: u32,
  fit_width: u32,
  height: u32,  // of the picture itself
  width: u32,
  rows: u32,  // R, at most 1,024
  side: u32,  // M
  growth: f32,  // of boxes, see lib/paste_corners.wgsl
  mask_threshold: f32,
  score_threshold: f32,
  colours: u32,  // C
  by_class: u32,  // 0: a colour for each detection; 1: for each class
  tint: f32,  // of masks, 0..1
  outline_width: f32,  // in canvas pixels, like the next; 0 for none
  box_width: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> image_boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read> count: array<u32>;
@group(0) @binding(6) var<storage, read> palette: array<vec4f>;
#if MASKS
@group(0) @binding(7) var<storage, read> probabilities: array<f32>;
#endif
@group(0) @binding(8) var<storage, read_write> drawn: array<u32>;

const TILE = 8u;

var<workgroup> touching: array<atomic<u32>, 32>;  // zero at the start, as all workgroup memory

@compute @workgroup_size(8, 8)
fn draw_detections(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let corner = vec2u(params.left, params.top);
  let tile = vec2f(vec2i(group.xy * TILE) - vec2i(corner));
  let found = min(count[0], params.rows);
  for (var row = lane; row < found; row += TILE * TILE) {
    if (scores[row] >= params.score_threshold && touches(row, tile)) {
      atomicOr(&touching[row / 32u], 1u << (row % 32u));
    }
  }
  workgroupBarrier();

  let canvas = group.xy * TILE + local.xy;
  if (canvas.x >= params.canvas_width || canvas.y >= params.canvas_height) {
    return;
  }
  let at = canvas - corner;  // left of the picture and above it this wraps, and is too large
  let item = canvas.y * params.canvas_width + canvas.x;
  if (at.x >= params.fit_width || at.y >= params.fit_height) {
    drawn[item] = 0u;
    return;
  }
  var colour = picture_in(vec2f(at));
  for (var word = 32u; word > 0u; word--) {
    var bits = atomicLoad(&touching[word - 1u]);
    while (bits != 0u) {
      let bit = firstLeadingBit(bits);
      bits ^= 1u << bit;
      colour = draw_over(colour, 32u * (word - 1u) + bit, vec2f(at));
    }
  }
  drawn[item] = pack4x8unorm(vec4f(colour, 1.0));
}

// Picture pixels per canvas pixel.
fn scale() -> vec2f {
  return vec2f(f32(params.width), f32(params.height)) / vec2f(f32(params.fit_width), f32(params.fit_height));
}

// Whether anything of a detection may lie in the tile that begins at `tile`, in canvas pixels from the picture's corner.
fn touches(row: u32, tile: vec2f) -> bool {
  let box = image_boxes[row];
  var extent = box;
#if MASKS
  let corners = vec4f(paste_corners(box, params.growth));
  extent = vec4f(min(box.xy, corners.xy), max(box.zw, corners.zw + 1.0));
#endif
  let first = extent.xy / scale() - 1.0;  // box lines are moved to whole pixels
  let last = extent.zw / scale() + 1.0;
  return all(first <= tile + f32(TILE)) && all(last >= tile);
}

fn draw_over(below: vec3f, row: u32, at: vec2f) -> vec3f {
  let box = image_boxes[row];
  let ink = palette[select(row, labels[row] - 1u, params.by_class == 1u) % params.colours].rgb;
  var colour = below;
#if MASKS
  let corners = paste_corners(box, params.growth);
  let inside = mask_coverage(row, corners, at + 0.5);
  if (inside > 0.0) {
    colour = mix(colour, ink, params.tint * inside);
    if (params.outline_width > 0.0) {
      colour = mix(colour, ink, max(inside - eroded_coverage(row, corners, at + 0.5), 0.0));
    }
  }
#endif
  return mix(colour, ink, box_coverage(box, at));
}

// How much of the canvas pixel at `at` .. `at + 1` the line along the inner side of a box covers, 0..1.
fn box_coverage(box: vec4f, at: vec2f) -> f32 {
  let low = floor(box.xy / scale() + 0.5);
  let high = max(floor(box.zw / scale() + 0.5), low + 1.0);
  let inner = min(vec2f(params.box_width), (high - low) * 0.5);
  return overlap(at, low, high) - overlap(at, low + inner, high - inner);
}

fn overlap(at: vec2f, low: vec2f, high: vec2f) -> f32 {
  let sides = clamp(min(at + 1.0, high) - max(at, low), vec2f(0.0), vec2f(1.0));
  return sides.x * sides.y;
}

// The picture's colour under the canvas pixel at `at` .. `at + 1`: bilinear, or where the picture is larger than
// the canvas, the mean of such samples.
fn picture_in(at: vec2f) -> vec3f {
  let samples = clamp(vec2u(ceil(scale() - 0.01)), vec2u(1u), vec2u(4u));
  var sum = vec3f(0.0);
  for (var y = 0u; y < samples.y; y++) {
    for (var x = 0u; x < samples.x; x++) {
      sum += picture_at((at + (vec2f(vec2u(x, y)) + 0.5) / vec2f(samples)) * scale());
    }
  }
  return sum / f32(samples.x * samples.y);
}

fn picture_at(at: vec2f) -> vec3f {
  let last = vec2u(params.width, params.height) - 1u;
  let middle = clamp(at - 0.5, vec2f(0.0), vec2f(last));
  let low = vec2u(middle);
  let high = min(low + 1u, last);
  let weight = middle - vec2f(low);
  let above = mix(colour_of(low.x, low.y), colour_of(high.x, low.y), weight.x);
  let below = mix(colour_of(low.x, high.y), colour_of(high.x, high.y), weight.x);
  return mix(above, below, weight.y);
}

fn colour_of(x: u32, y: u32) -> vec3f {
  return unpack4x8unorm(pixels[y * params.width + x]).rgb;
}
