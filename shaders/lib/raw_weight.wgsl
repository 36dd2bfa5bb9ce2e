// A layer's weight as it lies in the file, for pack_weight and winograd_weight.
//
//   raw    [O, I, Y, X], or [I, O, Y, X] if TRANSPOSED    the file's bytes, O = G * O/G, I = C/G
//   scale  [O]                                            optional: weight of output o times scale[o]

// Set by src/kernels/pack_weight.ts; the values here are the defaults.
const DTYPE = 32u;  // 32: F32, 16: F16, 116: BF16
const SCALE = false;
const TRANSPOSED = false;
alias Packed = vec4f;  // vec4f, or vec2u: four halves

struct Params {
  items: u32,         // invocations
  inputs: u32,        // I
  group_outputs: u32, // O/G
  outputs: u32,       // O
  taps: u32,          // Y * X
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<Packed>;
#if SCALE
@group(0) @binding(3) var<storage, read> scale: array<f32>;
#endif

// Four outputs from `first` on, of group, input and tap; zeros where there are none.
fn raw_quad(group: u32, first: u32, i: u32, tap: u32) -> vec4f {
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
  return values;
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

fn put(at: u32, values: vec4f) {
#if Packed == vec2u
  packed[at] = narrow(values);
#else
  packed[at] = values;
#endif
}
