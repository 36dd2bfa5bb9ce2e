// What linear and linear_workgroup share: constants, parameters, bindings. Shapes are in linear.wgsl.

// Set by src/kernels/linear.ts; the values here are the defaults.
const BIAS = true;
const SCALE = false;  // outputs are multiplied, too: bias holds quads of factors and of biases by turns
const ADD = false;
const COUNTED = false;  // only the rows of the first `count` items are computed; the others are left as they are
alias In = vec4f;       // vec4f, or vec2u: four halves, or f32: I is no multiple of 4
alias Weight = vec4f;   // vec4f or vec2u
alias Out = vec4f;      // as In, for O

struct Params {
  rows: u32,            // R
  inputs: u32,          // I
  outputs: u32,         // O
  rows_per_count: u32,  // rows of an item that `count` counts
  row_stride: u32,      // elements from one row of the input to the next
  input_stride: u32,    // elements from one batch of the input to the next
  weight_stride: u32,   // quads from one batch's weights to the next
  floor: f32,           // outputs are at least this: 0 for ReLU, the lowest f32 for none
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<In>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> output: array<Out>;
#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
#endif
#if ADD
@group(0) @binding(5) var<storage, read> add: array<Out>;
#endif
#if COUNTED
@group(0) @binding(6) var<storage, read> count: array<u32>;
#endif

// One past the last row to compute.
fn last_row() -> u32 {
#if COUNTED
  return min(params.rows, count[0] * params.rows_per_count);
#else
  return params.rows;
#endif
}
