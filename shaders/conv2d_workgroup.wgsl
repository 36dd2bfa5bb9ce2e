// conv2d, out of workgroup memory: each number is fetched once a workgroup instead of once a register tile. For
// GPUs, where that memory is fast. Shapes are in conv2d.wgsl, the tile in lib/workgroup_tile.wgsl; its inputs are
// the window's taps one after the other, each with all channels.

#if Quad == vec4h
enable f16;
#endif

// Where the window of an output pixel lies in the input.
struct Row {
  image: u32,
  top: i32,
  left: i32,
  real: bool,
}

var<private> group: u32;

@compute @workgroup_size(LANES_X, LANES_Y)
fn conv2d_workgroup(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  group = workgroup.z;
  let first_pixel = workgroup.y * TILE_ROWS;
  let first_out4 = workgroup.x * TILE_OUT4;
  let out4s = (params.group_out_channels + 3u) / 4u;
  let end = last_pixel();
  if (first_pixel >= end) {
    return;
  }
  let depth4 = params.window_height * params.window_width * ((params.group_channels + 3u) / 4u);
  let tile = multiply(lane.xy, first_pixel, depth4, workgroup.z * depth4 * 4u * out4s + first_out4, out4s);
  let channel = workgroup.z * params.group_out_channels + 4u * first_out4;
  store_tile(
    tile, lane.xy, first_pixel, end, channel, params.out_channels, params.group_out_channels - 4u * first_out4,
    workgroup.z * out4s + first_out4);
}

fn row_at(pixel: u32) -> Row {
  let map = params.out_height * params.out_width;
  let row = pixel % map / params.out_width;
  let column = pixel % map % params.out_width;
  return Row(
    pixel / map, i32(row * params.stride_y) - params.padding_y, i32(column * params.stride_x) - params.padding_x,
    pixel < last_pixel());
}

fn quad_at(row: Row, k4: u32) -> vec4f {
  let in4s = (params.group_channels + 3u) / 4u;
  let tap = k4 / in4s;
  let y = row.top + i32(tap / params.window_width) * params.dilation_y;
  let x = row.left + i32(tap % params.window_width) * params.dilation_x;
  let inside = row.real && tap < params.window_height * params.window_width && y >= 0
    && y < i32(params.height) && x >= 0 && x < i32(params.width);
  let cell = (row.image * params.height + u32(y)) * params.width + u32(x);
  let at = select(0u, cell * params.channels, inside) + group * params.group_channels;
  return load(at, k4 % in4s, inside, params.group_channels);
}
