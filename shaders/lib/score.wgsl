// Scores as integer keys that sort: the greater the score, the greater the key, and 0 where there
// is no score: NONE, NaN, -inf. Integers, as compilers may assume that floats are never NaN.

const NONE = -3.4028234e38;  // the lowest f32; WGSL cannot write -inf

fn score_key(score: f32) -> u32 {
  let bits = bitcast<u32>(score);
  let key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u);  // -0 ties with 0
  return select(0u, key, key > 0x00800000u && key <= 0xff800000u);
}

// The score of a key that is not 0.
fn score_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}
