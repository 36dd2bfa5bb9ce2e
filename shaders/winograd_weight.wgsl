// A 3x3 weight transformed for Winograd's convolution, once, at load: G g G' of each pair of channels (Lavin and
// Gray 2015, arXiv:1509.09308), with the batch norm that follows folded in.
//
//   raw, scale             see lib/raw_weight.wgsl; one group, 3x3
//   packed [P P, I, O]     P points a side: 6 for F(4,3), 4 for F(2,3); I and O padded to 4 with zeros
//
// One invocation transforms four outputs of one input. The matrices are in lib/winograd.wgsl.

@compute @workgroup_size(64)
fn winograd_weight(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(workgroup, lane, 64u);
  if (item >= params.items) {
    return;
  }
  let out4s = (params.group_outputs + 3u) / 4u;
  let i = item / out4s;
  let first = item % out4s * 4u;
  var columns: array<Line, 3>;  // G g
  for (var x = 0u; x < 3u; x++) {
    columns[x] = weight_line(
      raw_quad(0u, first, i, x), raw_quad(0u, first, i, 3u + x), raw_quad(0u, first, i, 6u + x));
  }
  for (var y = 0u; y < POINTS; y++) {
    let line = weight_line(columns[0][y], columns[1][y], columns[2][y]);  // (G g) G'
    for (var x = 0u; x < POINTS; x++) {
      put((y * POINTS + x) * params.items + item, line[x]);
    }
  }
}
