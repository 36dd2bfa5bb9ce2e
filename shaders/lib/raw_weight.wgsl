// A layer's weight as it lies in the file, for pack_weight and winograd_weight.
//
//   raw    [O, I, Y, X], or [I, O, Y, X] if TRANSPOSED    the file's bytes, O = G * O/G, I = C/G
//   scale  [O]                                            optional: weight of output o times scale[o]
//          [2, O] for U8                                  the second row is subtracted from a weight before

// Set by src/kernels/pack_weight.ts; the values here are the defaults.
const DTYPE = 32u;  // 32: F32, 16: F16, 116: BF16, 8: I8, 108: U8
const SCALE = false;
const TRANSPOSED = false;

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

// The weight of output `o` of a group, input and tap; zero where there is none.
fn raw_weight(group: u32, o: u32, i: u32, tap: u32) -> f32 {
  let inside = i < params.inputs && o < params.group_outputs;
  let output = group * params.group_outputs + o;
#if TRANSPOSED
  let element = (i * params.outputs + output) * params.taps + tap;
#else
  let element = (output * params.inputs + i) * params.taps + tap;
#endif
  let value = decode(select(0u, element, inside));
#if DTYPE == 108
  let row = select(0u, output, inside);
  return select(0.0, (value - scale[params.outputs + row]) * scale[row], inside);
#elif SCALE
  return select(0.0, value * scale[select(0u, output, inside)], inside);
#else
  return select(0.0, value, inside);
#endif
}

fn decode(element: u32) -> f32 {
#if DTYPE == 32
  return bitcast<f32>(raw[element]);
#elif DTYPE == 8
  return f32(extractBits(bitcast<i32>(raw[element / 4u]), 8u * (element % 4u), 8u));
#elif DTYPE == 108
  return f32(extractBits(raw[element / 4u], 8u * (element % 4u), 8u));
#else
  let half = (raw[element / 2u] >> (16u * (element % 2u))) & 0xffffu;
#if DTYPE == 16
  return unpack2x16float(half).x;
#else
  return bitcast<f32>(half << 16u);
#endif
#endif
}
