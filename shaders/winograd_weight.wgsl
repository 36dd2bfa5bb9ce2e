// A 3x3 weight transformed for Winograd's convolution, once, at load: G g G' of each pair of channels (Lavin and
// Gray 2015, arXiv:1509.09308), with the batch norm that follows folded in.
//
//   raw, scale             see lib/raw_weight.wgsl; one group, 3x3
//   packed [P P, I, O]     P points a side: 6 for F(4,3), 4 for F(2,3); I and O padded to 4 with zeros
//
// One invocation transforms the taps of an output and an input, or of two outputs where they are halves. The
// matrices are in lib/winograd.wgsl.

// Set by src/kernels/pack_weight.ts; the value here is the default.
alias Packed = f32;  // f32, or u32: two halves

@compute @workgroup_size(64)
fn winograd_weight(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let padded_outputs = (params.group_outputs + 3u) / 4u * 4u;
#if Packed == u32
  let outputs = padded_outputs / 2u;
#else
  let outputs = padded_outputs;
#endif
  let i = item / outputs;
  let o = item % outputs;
  var columns: array<Line, 3>;  // G g
  for (var x = 0u; x < 3u; x++) {
    columns[x] = weight_line(tap(o, i, x), tap(o, i, 3u + x), tap(o, i, 6u + x));
  }
  for (var y = 0u; y < POINTS; y++) {
    let line = weight_line(columns[0][y], columns[1][y], columns[2][y]);  // (G g) G'
    for (var x = 0u; x < POINTS; x++) {
      let at = (y * POINTS + x) * params.items + item;
#if Packed == u32
      packed[at] = narrow2(line[x]);
#else
      packed[at] = line[x];
#endif
    }
  }
}

fn tap(o: u32, i: u32, tap: u32) -> Some {
#if Packed == u32
  return vec2f(raw_weight(0u, 2u * o, i, tap), raw_weight(0u, 2u * o + 1u, i, tap));
#else
  return raw_weight(0u, o, i, tap);
#endif
}
