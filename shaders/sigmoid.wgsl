// Sigmoid, elementwise.
//
//   input  [...]
//   output [...]
//
// One invocation an element.

struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(256)
fn sigmoid(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = item_of(group, lane, 256u);
  if (i < params.size) {
    output[i] = sigmoid_of(input[i]);
  }
}
