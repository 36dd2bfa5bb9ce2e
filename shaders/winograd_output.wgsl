// The last of the three steps of Winograd's 3x3 convolution: A' m A of each tile's sums of products, then bias,
// residual and ReLU. See winograd_input.wgsl.
//
//   products [P P, T, O]          T = N * tiles_y * tiles_x tiles of P x P points, O a multiple of 4
//   bias     [O]
//   add      [N, H', W', O]       optional residual, added before the activation
//   output   [N, H', W', O]
//
// One invocation finishes four channels of a tile; neighbours differ in channel.

// Set by src/kernels/winograd.ts; the values here are the defaults.
const BIAS = true;
const SCALE = false;
const ADD = false;
const COUNTED = false;  // only the first `count` of N are finished; the others are left as they are
alias In = vec4f;       // vec4f, or vec2u: four halves
alias Out = vec4f;

struct Params {
  images: u32,      // N
  out_height: u32,
  out_width: u32,
  channels4: u32,   // O / 4
  tiles_y: u32,
  tiles_x: u32,
  floor: f32,       // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> products: array<In>;
@group(0) @binding(2) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
#endif
#if ADD
@group(0) @binding(4) var<storage, read> add: array<Out>;
#endif
#if COUNTED
@group(0) @binding(5) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn winograd_output(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  let tile = item / params.channels4;
  let image = tile / (params.tiles_x * params.tiles_y);
  if (image >= images()) {
    return;
  }
  let quad = item % params.channels4;
  let points = params.images * params.tiles_y * params.tiles_x * params.channels4;
  var columns: array<Taps, POINTS>;  // A' m
  for (var x = 0u; x < POINTS; x++) {
    var column: Line;
    for (var y = 0u; y < POINTS; y++) {
      column[y] = product((y * POINTS + x) * points + item);
    }
    columns[x] = output_line(column);
  }
  let first_y = tile / params.tiles_x % params.tiles_y * STEP;
  let first_x = tile % params.tiles_x * STEP;
  for (var y = 0u; y < STEP && first_y + y < params.out_height; y++) {
    var row: Line;
    for (var x = 0u; x < POINTS; x++) {
      row[x] = columns[x][y];
    }
    let taps = output_line(row);  // (A' m) A
    for (var x = 0u; x < STEP && first_x + x < params.out_width; x++) {
      let cell = (image * params.out_height + first_y + y) * params.out_width + first_x + x;
      finish(4u * (cell * params.channels4 + quad), 4u, quad, taps[x]);
    }
  }
}

fn product(at: u32) -> vec4f {
#if In == vec2u
  return widen(products[at]);
#else
  return products[at];
#endif
}

// How many of the batch to finish.
fn images() -> u32 {
#if COUNTED
  return min(params.images, count[0]);
#else
  return params.images;
#endif
}
