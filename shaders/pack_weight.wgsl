// Brings a layer's weight from the checkpoint's layout and dtype to the one that the matrix products read,
// and folds the batch norm that follows it. Runs once, at load, so that weights never pass through the
// JavaScript heap as numbers.
//
//   raw, scale                            see lib/raw_weight.wgsl
//   packed [G, Y, X, I, O/G]              I and O/G padded to 4 with zeros
//
// One invocation writes one quad: four output channels of one tap and input channel.

// Set by src/kernels/pack_weight.ts; the value here is the default.
alias Packed = vec4f;  // vec4f, or vec2u: four halves

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
  let values = vec4f(
    raw_weight(group, first, i, tap), raw_weight(group, first + 1u, i, tap), raw_weight(group, first + 2u, i, tap),
    raw_weight(group, first + 3u, i, tap));
#if Packed == vec2u
  packed[item] = narrow(values);
#else
  packed[item] = values;
#endif
}
