// Halves (IEEE 754-2019 binary16) as f16 tensors hold them, on the host.

/** The numbers of an f16 tensor's bytes. */
export function numbersOfHalves(bytes: ArrayBuffer): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint32Array.from(new Uint16Array(bytes), widen).buffer);
}

/** binary16 bits -> binary32 bits of the same value. */
export function widen(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13); // infinity, NaN
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13); // 112 = 127 - 15, the biases
  if (fraction === 0) return sign;
  // Subnormal, fraction * 2^-24: shift its leading one up to bit 10, where the implicit one is.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
