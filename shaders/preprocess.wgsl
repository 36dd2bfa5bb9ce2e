// The picture as the network wants it: normalised, resized, padded right and bottom with zeros, which
// are the mean colour. As torchvision's GeneralizedRCNNTransform: normalising comes before resizing.
//
//   pixels         [H, W]   bytes R G B A, R lowest
//   columns        [X, 2]   for each x of the resized image, the two source columns
//   column_weights [X]      ... and the weight of the second (src/model/transform.ts)
//   rows, row_weights       the same for each y
//   image          [1, canvas height, canvas width, 4]   R G B 0, or B G R 0
//
// One invocation writes one pixel of the canvas.

// Set by src/kernels/preprocess.ts.
const BGR = false;

struct Params {
  source_width: u32,
  height: u32,  // of the resized image
  width: u32,
  canvas_height: u32,
  canvas_width: u32,
  byte: f32,    // bytes are divided by it: 255, or 1
  mean_0: f32,  // of the channels as they come out
  mean_1: f32,
  mean_2: f32,
  std_0: f32,
  std_1: f32,
  std_2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<vec2u>;
@group(0) @binding(3) var<storage, read> column_weights: array<f32>;
@group(0) @binding(4) var<storage, read> rows: array<vec2u>;
@group(0) @binding(5) var<storage, read> row_weights: array<f32>;
@group(0) @binding(6) var<storage, read_write> image: array<vec4f>;

fn normalised(y: u32, x: u32) -> vec3f {
  let pixel = pixels[y * params.source_width + x];
  let rgb = vec3f(vec3u(pixel, pixel >> 8u, pixel >> 16u) & vec3u(255u)) / params.byte;
  let colour = select(rgb, rgb.bgr, BGR);
  let mean = vec3f(params.mean_0, params.mean_1, params.mean_2);
  return (colour - mean) / vec3f(params.std_0, params.std_1, params.std_2);
}

@compute @workgroup_size(64)
fn preprocess(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, lane, 64u);
  let y = item / params.canvas_width;
  let x = item % params.canvas_width;
  if (y >= params.canvas_height) {
    return;
  }
  if (y >= params.height || x >= params.width) {
    image[item] = vec4f(0.0);
    return;
  }
  let column = columns[x];
  let row = rows[y];
  let across = column_weights[x];
  let down = row_weights[y];
  let above = (1.0 - across) * normalised(row.x, column.x) + across * normalised(row.x, column.y);
  let below = (1.0 - across) * normalised(row.y, column.x) + across * normalised(row.y, column.y);
  image[item] = vec4f((1.0 - down) * above + down * below, 0.0);
}
