// One axis of Pillow's resize (Pillow, src/libImaging/Resample.c): bytes times whole weights, summed and rounded to
// bytes again, so that every byte is Pillow's.
//
//   pixels  [H, W]         bytes R G B A, R lowest
//   taps    [n, 2]         of each output along the axis: first input, number of inputs
//   weights [n, most]      in units of 2^-22
//   resized [H, n] or, with ROWS, [n, W]
//
// One invocation writes one pixel.

// Set by src/kernels/resample_bytes.ts.
const ROWS = false;  // the axis: rows, or the columns of each row

struct Params {
  height: u32,  // of the output
  width: u32,
  source_width: u32,
  most: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> taps: array<vec2u>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read_write> resized: array<u32>;

@compute @workgroup_size(64)
fn resample_bytes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let y = item / params.width;
  let x = item % params.width;
  if (y >= params.height) {
    return;
  }
  let at = select(x, y, ROWS);
  let tap = taps[at];
  var sum = vec3u(1u << 21u);  // a half
  for (var i = 0u; i < tap.y; i++) {
    let from_row = select(y, tap.x + i, ROWS);
    let from_column = select(tap.x + i, x, ROWS);
    let pixel = pixels[from_row * params.source_width + from_column];
    sum += weights[at * params.most + i] * (vec3u(pixel, pixel >> 8u, pixel >> 16u) & vec3u(255u));
  }
  let bytes = min(sum >> vec3u(22u), vec3u(255u));
  resized[item] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
}
