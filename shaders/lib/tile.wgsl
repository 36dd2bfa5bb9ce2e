// The register tile of conv2d, conv_transpose2d and linear: 4 pixels (or rows) by 8 or 16 output channels, as 4x4
// blocks, each grown by a product of 4x4 matrices for every four input channels. No workgroup memory, no barriers.
//
// Needs of the shader: what lib/quads.wgsl needs, and the constants SUBGROUP and OUT4S. `weight` holds rows of `out4s` quads
// of outputs, one row an input channel.
//
// OUT4S: quads of output channels of a lane, 2, or with SUBGROUP 4 also 4.
//
// SUBGROUP: all lanes of the workgroup want the same quads of weights, so each of the first eight lanes of a
// subgroup loads one, or each of the first four those of an input channel, and the others take it from there. Control flow must then be
// uniform down to `accumulate`.

// WIDE (conv2d): the input has four channels, so that a row of the window is one run of it: the quads of `accumulate`
// are pixels, from column `window_left` on, and those beside the map are zeros.

const WIDE = false;
var<private> window_left: vec4i;

struct Tile {
  low: mat4x4f,   // column i: pixel i; rows: four output channels
  high: mat4x4f,  // the next four output channels
#if OUT4S == 4
  low2: mat4x4f,  // and the next
  high2: mat4x4f,
#endif
}

// Input channels (in fours) that are summed up before they are added to the tile: sums of sums round less.
const CHUNK = 32u;

// Adds to the tile: channels from elements `at` of four pixels, zeros where not `inside`, times the weights from
// quad `first` on. `lane` is the number of the lane in its subgroup.
fn accumulate(
  tile: ptr<function, Tile>, at: vec4u, inside: vec4<bool>, channels: u32, first: u32, out4s: u32, lane: u32,
) {
  let in4s = (channels + 3u) / 4u;
  let at4 = at / 4u;
#if SUBGROUP == 4
  var w = first + (lane & 3u) * out4s;
#elif SUBGROUP == 8
  var w = first + (lane & 7u) / 2u * out4s + (lane & 1u);
#else
  var w = first;
#endif
  for (var start = 0u; start < in4s; start += CHUNK) {
    var low = mat4x4f();
    var high = mat4x4f();
#if OUT4S == 4
    var low2 = mat4x4f();
    var high2 = mat4x4f();
#endif
    for (var c = start; c < min(start + CHUNK, in4s); c++) {
#if WIDE
      let x = window_left + i32(c);
      let real = inside & (x >= vec4i(0)) & (x < vec4i(i32(params.width)));
      let place = at4 + vec4u(x);
#else
      let real = inside;
      let place = at4 + c;
#endif
#if In == f32
      let pixels = mat4x4f(
        load(at.x, c, real.x, channels), load(at.y, c, real.y, channels),
        load(at.z, c, real.z, channels), load(at.w, c, real.w, channels));
#else
      let pixels = mat4x4f(
        quad(place.x, real.x), quad(place.y, real.y), quad(place.z, real.z), quad(place.w, real.w));
#endif
#if SUBGROUP == 4
      let w0 = weights(w);
      let w1 = weights(w + 1u);
      low += mat4x4f(
        subgroupBroadcast(w0, 0u), subgroupBroadcast(w0, 1u), subgroupBroadcast(w0, 2u), subgroupBroadcast(w0, 3u))
        * pixels;
      high += mat4x4f(
        subgroupBroadcast(w1, 0u), subgroupBroadcast(w1, 1u), subgroupBroadcast(w1, 2u), subgroupBroadcast(w1, 3u))
        * pixels;
#if OUT4S == 4
      let w2 = weights(w + 2u);
      let w3 = weights(w + 3u);
      low2 += mat4x4f(
        subgroupBroadcast(w2, 0u), subgroupBroadcast(w2, 1u), subgroupBroadcast(w2, 2u), subgroupBroadcast(w2, 3u))
        * pixels;
      high2 += mat4x4f(
        subgroupBroadcast(w3, 0u), subgroupBroadcast(w3, 1u), subgroupBroadcast(w3, 2u), subgroupBroadcast(w3, 3u))
        * pixels;
#endif
#elif SUBGROUP == 8
      let own = weights(w);
      low += mat4x4f(
        subgroupBroadcast(own, 0u), subgroupBroadcast(own, 2u), subgroupBroadcast(own, 4u),
        subgroupBroadcast(own, 6u)) * pixels;
      high += mat4x4f(
        subgroupBroadcast(own, 1u), subgroupBroadcast(own, 3u), subgroupBroadcast(own, 5u),
        subgroupBroadcast(own, 7u)) * pixels;
#else
      low += mat4x4f(weights(w), weights(w + out4s), weights(w + 2u * out4s), weights(w + 3u * out4s)) * pixels;
      high += mat4x4f(
        weights(w + 1u), weights(w + 1u + out4s), weights(w + 1u + 2u * out4s), weights(w + 1u + 3u * out4s))
        * pixels;
#endif
      w += 4u * out4s;
    }
    (*tile).low += low;
    (*tile).high += high;
#if OUT4S == 4
    (*tile).low2 += low2;
    (*tile).high2 += high2;
#endif
  }
}

// Writes pixel `i` of the tile from element `at` of the output on. `left` channels are left to write; `bias4` is the
// first of their biases.
fn store(at: u32, left: u32, bias4: u32, tile: ptr<function, Tile>, i: u32) {
  finish(at, left, bias4, (*tile).low[i]);
  if (left > 4u) {
    finish(at + 4u, left - 4u, bias4 + 1u, (*tile).high[i]);
  }
#if OUT4S == 4
  if (left > 8u) {
    finish(at + 8u, left - 8u, bias4 + 2u, (*tile).low2[i]);
  }
  if (left > 12u) {
    finish(at + 12u, left - 12u, bias4 + 3u, (*tile).high2[i]);
  }
#endif
}
