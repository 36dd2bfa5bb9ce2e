// The first of the three steps of Winograd's 3x3 convolution of stride 1 (Lavin and Gray 2015, arXiv:1509.09308):
// each tile of POINTS x POINTS pixels, STEP apart, becomes B' d B. The second step is a matrix product for each of
// the points (linear, in batches), the third winograd_output.
//
//   input       [N, H, W, C]        C a multiple of 4
//   transformed [P P, T, C]         T = N * tiles_y * tiles_x tiles of P x P points
//
// One invocation transforms four channels of a tile; neighbours differ in channel.

// Set by src/kernels/winograd.ts; the values here are the defaults.
const COUNTED = false;  // only the first `count` of N are transformed; the others are left as they are
alias In = vec4f;       // vec4f, or vec2u: four halves
alias Out = vec4f;

struct Params {
  images: u32,    // N
  height: u32,
  width: u32,
  channels4: u32, // C / 4
  tiles_y: u32,
  tiles_x: u32,
  first_row: i32, // of the first tile, in the input; may lie above it
  padding: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<In>;
@group(0) @binding(2) var<storage, read_write> transformed: array<Out>;
#if COUNTED
@group(0) @binding(3) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn winograd_input(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  let tile = item / params.channels4;
  let image = tile / (params.tiles_x * params.tiles_y);
  if (image >= images()) {
    return;
  }
  let quad = item % params.channels4;
  let top = params.first_row + i32(tile / params.tiles_x % params.tiles_y * STEP);
  let left = i32(tile % params.tiles_x * STEP) - params.padding;
  var columns: array<Line, POINTS>;  // B' d
  for (var x = 0u; x < POINTS; x++) {
    var column: Line;
    for (var y = 0u; y < POINTS; y++) {
      column[y] = pixel(image, top + i32(y), left + i32(x), quad);
    }
    columns[x] = input_line(column);
  }
  let points = params.images * params.tiles_y * params.tiles_x * params.channels4;
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

// Four channels of a pixel; zeros around the map.
fn pixel(image: u32, y: i32, x: i32, quad: u32) -> vec4f {
  if (y < 0 || x < 0 || y >= i32(params.height) || x >= i32(params.width)) {
    return vec4f();
  }
  let at = ((image * params.height + u32(y)) * params.width + u32(x)) * params.channels4 + quad;
#if In == vec2u
  return widen(input[at]);
#else
  return input[at];
#endif
}

fn put(at: u32, values: vec4f) {
#if Out == vec2u
  transformed[at] = narrow(values);
#else
  transformed[at] = values;
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
