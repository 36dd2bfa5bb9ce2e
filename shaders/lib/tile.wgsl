// The register tile of conv2d, conv_transpose2d and linear: 4 pixels (or rows) by 8 output channels, as two 4x4
// blocks, each grown by a product of 4x4 matrices for every four input channels.
//
// Needs of the shader: input, weight, output, bias (if BIAS), add (if ADD), params.floor, and the constants VEC_IN,
// VEC_OUT, BIAS, ADD. `weight` holds rows of `out4s` vec4s, one row an input channel, four at a time.

struct Tile {
  low: mat4x4f,   // column i: pixel i; rows: four output channels
  high: mat4x4f,  // the next four output channels
}

// Input channels (in fours) that are summed up before they are added to the tile: sums of sums round less.
const CHUNK = 32u;

// Adds to the tile: channels from elements `at` of four pixels, zeros where not `inside`, times the weights from
// vec4 `first` on.
fn accumulate(
  tile: ptr<function, Tile>, at: vec4u, inside: vec4<bool>, channels: u32, first: u32, out4s: u32,
) {
  let in4s = (channels + 3u) / 4u;
  var w = first;
  for (var start = 0u; start < in4s; start += CHUNK) {
    var low = mat4x4f();
    var high = mat4x4f();
    for (var c = start; c < min(start + CHUNK, in4s); c++) {
      let pixels = mat4x4f(
        load(at.x, c, inside.x, channels), load(at.y, c, inside.y, channels),
        load(at.z, c, inside.z, channels), load(at.w, c, inside.w, channels));
      low += mat4x4f(
        weight[w], weight[w + out4s], weight[w + 2u * out4s], weight[w + 3u * out4s]) * pixels;
      high += mat4x4f(
        weight[w + 1u], weight[w + 1u + out4s], weight[w + 1u + 2u * out4s], weight[w + 1u + 3u * out4s]) * pixels;
      w += 4u * out4s;
    }
    (*tile).low += low;
    (*tile).high += high;
  }
}

// Input channels 4c .. 4c + 3 from element `at` on.
fn load(at: u32, c: u32, inside: bool, channels: u32) -> vec4f {
#if VEC_IN
  return select(vec4f(), input[at / 4u + c], inside);
#else
  var values = vec4f();
  for (var i = 0u; i < 4u; i++) {
    if (inside && 4u * c + i < channels) {
      values[i] = input[at + 4u * c + i];
    }
  }
  return values;
#endif
}

// Writes a pixel's column of the tile, both blocks, from element `at` of the output on. `left` channels are left
// to write; `bias4` is the first of their biases.
fn store(at: u32, left: u32, bias4: u32, low: vec4f, high: vec4f) {
  finish(at, left, bias4, low);
  if (left > 4u) {
    finish(at + 4u, left - 4u, bias4 + 1u, high);
  }
}

// Adds bias and residual, applies the activation, writes up to four channels.
fn finish(at: u32, left: u32, bias4: u32, sum: vec4f) {
  var value = sum;
#if BIAS
  value += bias[bias4];
#endif
#if VEC_OUT
#if ADD
  value += add[at / 4u];
#endif
  output[at / 4u] = activate(value);
#else
  for (var i = 0u; i < min(4u, left); i++) {
    var one = value[i];
#if ADD
    one += add[at + i];
#endif
    output[at + i] = activate(vec4f(one)).x;
  }
#endif
}

fn activate(value: vec4f) -> vec4f {
  return max(value, vec4f(params.floor));
}
