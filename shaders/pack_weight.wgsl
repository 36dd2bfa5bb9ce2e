// Brings a layer's weight from the checkpoint's layout and dtype to the one that the matrix products read,
// and folds the batch norm that follows it. Runs once, at load, so that weights never pass through the
// JavaScript heap as numbers.
//
//   raw    [O, I, Y, X], or [I, O, Y, X] if TRANSPOSED    the file's bytes, O = G * O/G, I = C/G
//   scale  [O]                                            optional: weight of output o times scale[o]
//   packed [G, Y, X, I, O/G]                              I and O/G padded to 4 with zeros
//
// One invocation writes one vec4: four output channels of one tap and input channel.

// Set by src/kernels/pack_weight.ts; the values here are the defaults.
const DTYPE = 32u;  // 32: F32, 16: F16, 116: BF16
const SCALE = false;
const TRANSPOSED = false;

struct Params {
  items: u32,         // vec4s to write
  inputs: u32,        // I
  group_outputs: u32, // O/G
  outputs: u32,       // O
  taps: u32,          // Y * X
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4f>;
#if SCALE
@group(0) @binding(3) var<storage, read> scale: array<f32>;
#endif

@compute @workgroup_size(64)
fn pack_weight(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let out4s = (params.group_outputs + 3u) / 4u;
  let padded_inputs = (params.inputs + 3u) / 4u * 4u;
  let first = item % out4s * 4u;
  let i = item / out4s % padded_inputs;
  let tap = item / (out4s * padded_inputs) % params.taps;
  let group = item / (out4s * padded_inputs * params.taps);
  var values = vec4f();
  for (var n = 0u; n < 4u; n++) {
    if (i < params.inputs && first + n < params.group_outputs) {
      let o = group * params.group_outputs + first + n;
#if TRANSPOSED
      let element = (i * params.outputs + o) * params.taps + tap;
#else
      let element = (o * params.inputs + i) * params.taps + tap;
#endif
      values[n] = decode(element);
#if SCALE
      values[n] *= scale[o];
#endif
    }
  }
  packed[item] = values;
}

fn decode(element: u32) -> f32 {
#if DTYPE == 32
  return bitcast<f32>(raw[element]);
#else
  let half = (raw[element / 2u] >> (16u * (element % 2u))) & 0xffffu;
#if DTYPE == 16
  return unpack2x16float(half).x;
#else
  return bitcast<f32>(half << 16u);
#endif
#endif
}
