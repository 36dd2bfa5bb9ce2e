// A tile in workgroup memory, for conv2d_workgroup and linear_workgroup. A workgroup computes TILE_ROWS pixels (or
// rows) by 4 * TILE_OUT4 outputs. All its lanes fetch a slice of 4 * DEPTH inputs of both factors, and each
// multiplies out of it its own ROWS by COLUMNS blocks of 4x4, as lib/tile.wgsl does out of registers.
//
// Needs of the shader: what lib/quads.wgsl needs, and
//   struct Row; fn row_at(pixel: u32) -> Row;           what is to be known of a pixel, found out once
//   fn quad_at(row: Row, k4: u32) -> vec4f;             four inputs of it, zeros beyond the last

// Set by src/kernels/tile.ts; the values here are the defaults.
const LANES_X = 16u;   // along rows
const LANES_Y = 16u;   // along outputs
const ROWS = 1u;       // 1 or 2
const COLUMNS = 1u;    // 1 or 2
const DEPTH = 4u;      // quads of inputs a step
alias Quad = vec4f;    // vec4f, or vec4h: products of four terms in float16, their sums in float32
alias Block = mat4x4f; // mat4x4f or mat4x4h

const LANES = LANES_X * LANES_Y;
const TILE_ROWS = 4u * ROWS * LANES_X;
const TILE_OUT4 = COLUMNS * LANES_Y;
const PITCH = DEPTH + 1u;  // of a row in memory: one more, so that neighbours lie in different banks
const ROW_STEP = LANES / DEPTH;
const ROW_FETCHES = TILE_ROWS / ROW_STEP;
const WEIGHT_FETCHES = 4u * DEPTH * TILE_OUT4 / LANES;

var<workgroup> row_tile: array<Quad, TILE_ROWS * PITCH>;
var<workgroup> weight_tile: array<Quad, 4u * DEPTH * TILE_OUT4>;

// Blocks by row and column; column i of a block: row i, its rows: four outputs.
struct Tile {
  block00: mat4x4f,
  block01: mat4x4f,
  block10: mat4x4f,
  block11: mat4x4f,
}

// The tile from row `first_row` on, of `depth4` quads of inputs, and weights from quad `first_weight` on.
fn multiply(lane: vec2u, first_row: u32, depth4: u32, first_weight: u32, out4s: u32) -> Tile {
  let own = lane.y * LANES_X + lane.x;
  let own_k = own % DEPTH;
  var rows: array<Row, ROW_FETCHES>;
  for (var i = 0u; i < ROW_FETCHES; i++) {
    rows[i] = row_at(first_row + own / DEPTH + i * ROW_STEP);
  }
  var tile = Tile();
  for (var k4 = 0u; k4 < depth4; k4 += DEPTH) {
    for (var i = 0u; i < ROW_FETCHES; i++) {
      row_tile[(own / DEPTH + i * ROW_STEP) * PITCH + own_k] = Quad(quad_at(rows[i], k4 + own_k));
    }
    for (var i = 0u; i < WEIGHT_FETCHES; i++) {
      let item = own + i * LANES;
      let k = 4u * k4 + item / TILE_OUT4;
      weight_tile[item] = Quad(weights(first_weight + k * out4s + item % TILE_OUT4));
    }
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d++) {
      let w0 = weight_block(d, lane.y * COLUMNS);
      let rows0 = row_block(d, lane.x);
      tile.block00 += mat4x4f(w0 * rows0);
#if COLUMNS == 2
      let w1 = weight_block(d, lane.y * COLUMNS + 1u);
      tile.block01 += mat4x4f(w1 * rows0);
#endif
#if ROWS == 2
      let rows1 = row_block(d, lane.x + 4u * LANES_X);
      tile.block10 += mat4x4f(w0 * rows1);
#if COLUMNS == 2
      tile.block11 += mat4x4f(w1 * rows1);
#endif
#endif
    }
    workgroupBarrier();
  }
  return tile;
}

// Four rows, LANES_X apart, of quad `d` of the slice.
fn row_block(d: u32, row: u32) -> Block {
  return Block(
    row_tile[row * PITCH + d], row_tile[(row + LANES_X) * PITCH + d], row_tile[(row + 2u * LANES_X) * PITCH + d],
    row_tile[(row + 3u * LANES_X) * PITCH + d]);
}

// Four outputs of the four inputs of quad `d` of the slice.
fn weight_block(d: u32, out4: u32) -> Block {
  let at = 4u * d * TILE_OUT4 + out4;
  return Block(
    weight_tile[at], weight_tile[at + TILE_OUT4], weight_tile[at + 2u * TILE_OUT4], weight_tile[at + 3u * TILE_OUT4]);
}

// Writes what of the tile is real: rows before `end_row`, outputs before `outputs`. Row r begins at element
// `base + r * stride` of the output; `bias4` is the first bias of the tile's outputs.
fn store_tile(
  tile: Tile, lane: vec2u, first_row: u32, end_row: u32, base: u32, stride: u32, outputs: u32, bias4: u32,
) {
  for (var i = 0u; i < 4u; i++) {
    let row = first_row + lane.x + i * LANES_X;
    store_quads(row, end_row, base + row * stride, outputs, lane.y * COLUMNS, bias4, tile.block00[i], tile.block01[i]);
#if ROWS == 2
    let next = row + 4u * LANES_X;
    store_quads(
      next, end_row, base + next * stride, outputs, lane.y * COLUMNS, bias4, tile.block10[i], tile.block11[i]);
#endif
  }
}

fn store_quads(
  row: u32, end_row: u32, at: u32, outputs: u32, out4: u32, bias4: u32, first: vec4f, second: vec4f,
) {
  if (row >= end_row) {
    return;
  }
  if (4u * out4 < outputs) {
    finish(at + 4u * out4, outputs - 4u * out4, bias4 + out4, first);
  }
#if COLUMNS == 2
  if (4u * out4 + 4u < outputs) {
    finish(at + 4u * out4 + 4u, outputs - 4u * out4 - 4u, bias4 + out4 + 1u, second);
  }
#endif
}
