// linear, out of workgroup memory: each number is fetched once a workgroup instead of once a register tile. For
// GPUs, where that memory is fast. Shapes are in linear.wgsl, the tile in lib/workgroup_tile.wgsl.

#if Quad == vec4h
enable f16;
#endif

// Where a row of the input begins, and whether it is one.
struct Row {
  at: u32,
  real: bool,
}

var<private> batch: u32;

@compute @workgroup_size(LANES_X, LANES_Y)
fn linear_workgroup(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  batch = workgroup.z;
  let first_row = workgroup.y * TILE_ROWS;
  let first_out4 = workgroup.x * TILE_OUT4;
  let out4s = (params.outputs + 3u) / 4u;
  let end = last_row();
  if (first_row >= end) {
    return;
  }
  let in4s = (params.inputs + 3u) / 4u;
  let tile = multiply(lane.xy, first_row, in4s, workgroup.z * params.weight_stride + first_out4, out4s);
  let base = workgroup.z * params.rows * params.outputs + 4u * first_out4;
  store_tile(tile, lane.xy, first_row, end, base, params.outputs, params.outputs - 4u * first_out4, first_out4);
}

fn row_at(row: u32) -> Row {
  return Row(batch * params.input_stride + row * params.row_stride, row < last_row());
}

fn quad_at(row: Row, k4: u32) -> vec4f {
  let inside = row.real && 4u * k4 < params.inputs;
  return load(select(0u, row.at, inside), select(0u, k4, inside), inside, params.inputs);
}
