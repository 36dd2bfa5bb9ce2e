// The last of the three steps of Winograd's 3x3 convolution: A' m A of each tile's sums of products, then bias,
// residual and ReLU. See winograd_input.wgsl.
//
//   products [P P, T, O]          T = N * tiles_y * tiles_x tiles of P x P points, O a multiple of 4
//   bias     [O]
//   add      [N, H', W', O]       optional residual, added before the activation
//   output   [N, H', W', O]
//
// One invocation finishes a channel of a tile, or two where they are halves; neighbours differ in channel.

// Set by src/kernels/winograd.ts; the values here are the defaults.
const BIAS = true;
const ADD = false;
const COUNTED = false;  // only the first `count` of N are finished; the others are left as they are
alias Stored = f32;     // f32, or u32: two halves

struct Params {
  images: u32,      // N
  out_height: u32,
  out_width: u32,
  channels: u32,    // O, or O / 2 pairs
  tiles_y: u32,
  tiles_x: u32,
  floor: f32,       // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> products: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;
#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<Some>;
#endif
#if ADD
@group(0) @binding(4) var<storage, read> add: array<Stored>;
#endif
#if COUNTED
@group(0) @binding(5) var<storage, read> count: array<u32>;
#endif

@compute @workgroup_size(64)
fn winograd_output(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  let tile = item / params.channels;
  let image = tile / (params.tiles_x * params.tiles_y);
  if (image >= images()) {
    return;
  }
  let channel = item % params.channels;
  let points = params.images * params.tiles_y * params.tiles_x * params.channels;
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
      finish(cell * params.channels + channel, channel, taps[x]);
    }
  }
}

fn product(at: u32) -> Some {
#if Stored == u32
  return unpack2x16float(products[at]);
#else
  return products[at];
#endif
}

fn finish(at: u32, channel: u32, sum: Some) {
  var value = sum;
#if BIAS
  value += bias[channel];
#endif
#if Stored == u32
#if ADD
  value += unpack2x16float(add[at]);
#endif
  output[at] = narrow2(max(value, vec2f(params.floor)));
#else
#if ADD
  value += add[at];
#endif
  output[at] = max(value, params.floor);
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
