// Winograd's minimal filtering F(STEP, 3): STEP outputs of a 3-tap filter by POINTS products. Lavin and Gray 2015
// (arXiv:1509.09308). In two dimensions each matrix is applied to the lines of one axis, then of the other.
//
// F(4,3) has the points 0, ±√½, ±√2 and infinity: with powers this near to 1, float32 loses less than with the
// paper's 0, ±1, ±2. F(2,3) has 0, ±1 and infinity.

// Set by src/kernels/winograd.ts.
const STEP = 4u;  // 4 or 2: outputs of a tile's side
const POINTS = STEP + 2u;

// Line: POINTS transformed numbers, Taps: STEP outputs, of one channel each; of two where they are halves.
alias Some = f32;  // f32 or vec2f
#if STEP == 4
alias Line = array<Some, 6>;
alias Taps = array<Some, 4>;

const ROOT2 = 1.4142135623730951;
const HALF_ROOT2 = 0.7071067811865476;

// B' d
fn input_line(d: Line) -> Line {
  let even = d[4] - 2.0 * d[2];
  let odd = HALF_ROOT2 * d[3] - ROOT2 * d[1];
  let even2 = d[4] - 0.5 * d[2];
  let odd2 = ROOT2 * d[3] - HALF_ROOT2 * d[1];
  return Line(
    d[0] - 2.5 * d[2] + d[4], even + odd, even - odd, even2 + odd2, even2 - odd2, d[1] - 2.5 * d[3] + d[5]);
}

// G g
fn weight_line(g0: Some, g1: Some, g2: Some) -> Line {
  let even = -2.0 / 3.0 * g0 - 1.0 / 3.0 * g2;
  let odd = HALF_ROOT2 * 2.0 / 3.0 * g1;
  let even2 = 1.0 / 6.0 * g0 + 1.0 / 3.0 * g2;
  let odd2 = ROOT2 / 6.0 * g1;
  return Line(g0, even - odd, even + odd, even2 + odd2, even2 - odd2, g2);
}

// A' m
fn output_line(m: Line) -> Taps {
  let sum = m[1] + m[2];
  let difference = m[1] - m[2];
  let sum2 = m[3] + m[4];
  let difference2 = m[3] - m[4];
  return Taps(
    m[0] + sum + sum2, HALF_ROOT2 * difference + ROOT2 * difference2, 0.5 * sum + 2.0 * sum2,
    0.5 * HALF_ROOT2 * difference + 2.0 * ROOT2 * difference2 + m[5]);
}
#else
alias Line = array<Some, 4>;
alias Taps = array<Some, 2>;

// B' d
fn input_line(d: Line) -> Line {
  return Line(d[2] - d[0], d[2] + d[1], d[2] - d[1], d[3] - d[1]);
}

// G g
fn weight_line(g0: Some, g1: Some, g2: Some) -> Line {
  let even = 0.5 * (g0 + g2);
  return Line(-g0, even + 0.5 * g1, even - 0.5 * g1, g2);
}

// A' m
fn output_line(m: Line) -> Taps {
  return Taps(m[0] + m[1] + m[2], m[1] - m[2] + m[3]);
}
#endif
