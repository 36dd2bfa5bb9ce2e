// The first of the three steps of Winograd's 3x3 convolution of stride 1 (Lavin and Gray 2015, arXiv:1509.09308):
// each tile of POINTS x POINTS pixels, STEP apart, becomes B' d B. The second step is a matrix product for each of
// the points (linear, in batches), the third winograd_output.
//
//   input       [N, H, W, C]        C a multiple of 4
//   transformed [P P, T, C]         T = N * tiles_y * tiles_x tiles of P x P points
//
// One invocation transforms a channel of a tile, or two where they are halves; neighbours differ in channel.

// Set by src/kernels/winograd.ts; the values here are the defaults.
const COUNTED = false;  // only the first `count` of N are transformed; the others are left as they are
alias Stored = f32;     // f32, or u32: two halves

struct Params {
  images: u32,    // N
  height: u32,
  width: u32,
  channels: u32,  // C, or C / 2 pairs
  tiles_y: u32,
  tiles_x: u32,
  first_row: i32, // of the first tile, in the input; may lie above it
  padding: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> transformed: array<Stored>;
#if COUNTED
@group(0) @binding(3) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn winograd_input(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  let tile = item / params.channels;
  let image = tile / (params.tiles_x * params.tiles_y);
  if (image >= images()) {
    return;
  }
  let channel = item % params.channels;
  let top = params.first_row + i32(tile / params.tiles_x % params.tiles_y * STEP);
  let left = i32(tile % params.tiles_x * STEP) - params.padding;
  var columns: array<Line, POINTS>;  // B' d
  for (var x = 0u; x < POINTS; x++) {
    var column: Line;
    for (var y = 0u; y < POINTS; y++) {
      column[y] = pixel(image, top + i32(y), left + i32(x), channel);
    }
    columns[x] = input_line(column);
  }
  let points = params.images * params.tiles_y * params.tiles_x * params.channels;
  for (var y = 0u; y < POINTS; y++) {
    var row: Line;
    for (var x = 0u; x < POINTS; x++) {
      row[x] = columns[x][y];
    }
    let line = input_line(row);  // (B' d) B
    for (var x = 0u; x < POINTS; x++) {
      put((y * POINTS + x) * points + item, line[x]);
    }
  }
}

// A channel of a pixel; zero around the map.
fn pixel(image: u32, y: i32, x: i32, channel: u32) -> Some {
  let inside = y >= 0 && x >= 0 && y < i32(params.height) && x < i32(params.width);
  let at = ((image * params.height + u32(y)) * params.width + u32(x)) * params.channels + channel;
  let stored = input[select(0u, at, inside)];
#if Stored == u32
  return select(vec2f(), unpack2x16float(stored), inside);
#else
  return select(0.0, stored, inside);
#endif
}

fn put(at: u32, value: Some) {
#if Stored == u32
  transformed[at] = narrow2(value);
#else
  transformed[at] = value;
#endif
}

// How many of the batch to transform.
fn images() -> u32 {
#if COUNTED
  return min(params.images, count[0]);
#else
  return params.images;
#endif
}
