// OpenCV's linear resize of bytes (opencv, modules/imgproc/src/resize.cpp, INTER_LINEAR of 8U): weights in units of
// 2^-11, and what it drops of the sums, dropped alike, so that every byte is OpenCV's.
//
//   pixels         [H, W]   bytes R G B A, R lowest
//   columns        [w, 2]   for each column of the output its two source columns
//   column_weights [w, 2]
//   rows, row_weights       the same for each row
//   resized        [h, w]
//
// One invocation writes one pixel.

struct Params {
  height: u32,  // of the output
  width: u32,
  source_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<vec2u>;
@group(0) @binding(3) var<storage, read> column_weights: array<vec2u>;
@group(0) @binding(4) var<storage, read> rows: array<vec2u>;
@group(0) @binding(5) var<storage, read> row_weights: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> resized: array<u32>;

@compute @workgroup_size(64)
fn resize_bytes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let y = item / params.width;
  let x = item % params.width;
  if (y >= params.height) {
    return;
  }
  let down = row_weights[y];
  let above = (down.x * (across(rows[y].x, x) >> vec3u(4u))) >> vec3u(16u);
  let below = (down.y * (across(rows[y].y, x) >> vec3u(4u))) >> vec3u(16u);
  let bytes = min((above + below + 2u) >> vec3u(2u), vec3u(255u));
  resized[item] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
}

// The pixel of a source row, between two of its columns, in units of 2^-11.
fn across(row: u32, x: u32) -> vec3u {
  let first = row * params.source_width;
  return column_weights[x].x * bytes_at(first + columns[x].x) + column_weights[x].y * bytes_at(first + columns[x].y);
}

fn bytes_at(at: u32) -> vec3u {
  let pixel = pixels[at];
  return vec3u(pixel, pixel >> 8u, pixel >> 16u) & vec3u(255u);
}
