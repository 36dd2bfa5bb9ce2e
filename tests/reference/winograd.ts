// Winograd's matrices by the construction of Toom and Cook from their points, in float64; nothing here is taken
// from the shaders.

import type { HostTensor } from '../gpu';

type Matrix = number[][];

/** The finite points of F(m, 3); infinity is the last. */
const POINTS: Record<number, number[]> = {
  2: [0, 1, -1],
  4: [0, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2, -Math.SQRT2],
};

/** Coefficients, constant first, of the product of (x - root) over `roots`. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) {
    const shifted = [0, ...product];
    product = shifted.map((coefficient, i) => coefficient - root * (product[i] ?? 0));
  }
  return product;
}

/** B' of F(m, 3): row i: the product over all other points; the last: over all. */
export function inputMatrix(m: number): Matrix {
  const points = POINTS[m]!;
  const pad = (row: number[]): number[] => [...row, ...Array(m + 2 - row.length).fill(0)];
  const rows = points.map((p) => pad(polynomial(points.filter((q) => q !== p))));
  return [...rows, polynomial(points)];
}

/** G of F(m, 3): powers of the point over the product of its distances from the others; 0 0 1 last. */
export function weightMatrix(m: number): Matrix {
  const points = POINTS[m]!;
  const rows = points.map((p) => {
    const norm = points.filter((q) => q !== p).reduce((product, q) => product * (p - q), 1);
    return [1, p, p * p].map((power) => power / norm);
  });
  return [...rows, [0, 0, 1]];
}

/** A' of F(m, 3): row i: the points' i-th powers; infinity counts in the last. */
export function outputMatrix(m: number): Matrix {
  return Array.from({ length: m }, (_, i) => [...POINTS[m]!.map((p) => p ** i), i === m - 1 ? 1 : 0]);
}

/** M x M' */
function both(m: Matrix, x: Matrix): Matrix {
  const left = m.map((row) => x[0]!.map((_, j) => row.reduce((sum, a, k) => sum + a * x[k]![j]!, 0)));
  return left.map((row) => m.map((other) => row.reduce((sum, a, k) => sum + a * other[k]!, 0)));
}

const grid = (n: number, at: (y: number, x: number) => number): Matrix =>
  Array.from({ length: n }, (_, y) => Array.from({ length: n }, (_, x) => at(y, x)));

/** Every tile of every map and channel: [P P, T, C] from input [N, H, W, C]. */
export function transformInput(
  input: HostTensor,
  m: number,
  padding: number,
  [outHeight, outWidth]: readonly [number, number],
  firstRow = 0,
): Float64Array {
  const [N, H, W, C] = input.shape as [number, number, number, number];
  const [tilesY, tilesX] = [Math.ceil(outHeight / m), Math.ceil(outWidth / m)];
  const tiles = N * tilesY * tilesX;
  const matrix = inputMatrix(m);
  const output = new Float64Array((m + 2) ** 2 * tiles * C);
  for (let tile = 0; tile < tiles; tile++)
    for (let c = 0; c < C; c++) {
      const n = Math.floor(tile / (tilesY * tilesX));
      const top = firstRow - padding + (Math.floor(tile / tilesX) % tilesY) * m;
      const left = (tile % tilesX) * m - padding;
      const d = grid(m + 2, (y, x) => {
        const inside = top + y >= 0 && top + y < H && left + x >= 0 && left + x < W;
        return inside ? input.data[((n * H + top + y) * W + left + x) * C + c]! : 0;
      });
      both(matrix, d)
        .flat()
        .forEach((value, point) => {
          output[(point * tiles + tile) * C + c] = value;
        });
    }
  return output;
}

/** [P P, I, O] from weight [O, I, 3, 3], channels padded to 4. */
export function transformWeight(
  weight: HostTensor,
  m: number,
  scale: (o: number) => number = () => 1,
): Float64Array {
  const [O, I] = weight.shape as [number, number];
  const [rows, columns] = [Math.ceil(I / 4) * 4, Math.ceil(O / 4) * 4];
  const output = new Float64Array((m + 2) ** 2 * rows * columns);
  for (let o = 0; o < O; o++)
    for (let i = 0; i < I; i++) {
      const g = grid(3, (y, x) => weight.data[((o * I + i) * 3 + y) * 3 + x]! * scale(o));
      both(weightMatrix(m), g)
        .flat()
        .forEach((value, point) => {
          output[(point * rows + i) * columns + o] = value;
        });
    }
  return output;
}

/** [N, H', W', O] from products [P P, T, O]. */
export function transformOutput(
  products: HostTensor,
  m: number,
  [N, H, W]: readonly [number, number, number],
  finish: (value: number, at: number, o: number) => number,
): Float64Array {
  const [, tiles, O] = products.shape as [number, number, number];
  const [tilesY, tilesX] = [Math.ceil(H / m), Math.ceil(W / m)];
  const output = new Float64Array(N * H * W * O);
  for (let tile = 0; tile < tiles; tile++)
    for (let o = 0; o < O; o++) {
      const n = Math.floor(tile / (tilesY * tilesX));
      const [top, left] = [(Math.floor(tile / tilesX) % tilesY) * m, (tile % tilesX) * m];
      const sums = grid(m + 2, (y, x) => products.data[((y * (m + 2) + x) * tiles + tile) * O + o]!);
      both(outputMatrix(m), sums).forEach((row, y) => {
        row.forEach((value, x) => {
          if (top + y >= H || left + x >= W) return;
          const at = ((n * H + top + y) * W + left + x) * O + o;
          output[at] = finish(value, at, o);
        });
      });
    }
  return output;
}
