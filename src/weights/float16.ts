// Float formats of checkpoints, bit for bit: F16 (IEEE 754-2019 binary16) and BF16 (the upper half of
// binary32). Works on bit patterns, so that subnormals, infinities, signed zeros and NaN payloads survive.
// Little-endian, as safetensors files and all WebGPU platforms are.

import { WeightError } from '../errors';
import { widen } from '../kernels/half';

/** The element types that we read. I8 and U8 come with scales (quantised.ts). */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I8' | 'U8';

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<SafetensorsDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I8: 1,
  U8: 1,
};

/**
 * The elements stored in `bytes`, each exactly but for F64, which is rounded, in an array of their own. `bytes` may start at any address.
 * Throws WeightError if they are not a whole number of elements.
 */
export function toFloat32(dtype: SafetensorsDtype, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (bytes.length % DTYPE_BYTES[dtype] !== 0) {
    const wanted = `a multiple of ${DTYPE_BYTES[dtype]} bytes`;
    throw new WeightError(`toFloat32: wanted ${wanted} of ${dtype}, got ${bytes.length} bytes`);
  }
  const { buffer } = new Uint8Array(bytes); // a copy, hence aligned
  if (dtype === 'F32') return new Float32Array(buffer);
  if (dtype === 'F64') return Float32Array.from(new Float64Array(buffer));
  if (dtype === 'I8') return Float32Array.from(new Int8Array(buffer));
  if (dtype === 'U8') return Float32Array.from(new Uint8Array(buffer));
  const halves = new Uint16Array(buffer);
  const bits = new Uint32Array(halves.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  } else {
    for (let i = 0; i < bits.length; i++) bits[i] = widen(halves[i]!);
  }
  return new Float32Array(bits.buffer);
}

/** The F16 nearest to each value, ties to even; 65520 and above become infinite. NaNs stay NaNs. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = narrow(bits[i]!);
  return halves;
}

/** The BF16 nearest to each value, ties to even. NaNs stay NaNs. */
export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word) => {
    const notANumber = (word & 0x7fffffff) > 0x7f800000;
    return notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
}

/** binary32 bits -> binary16 bits of the nearest value, ties to even. */
function narrow(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200); // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520, halfway between 65504 and 2^16
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - (112 << 23), 13); // 2^-14, normal
  const shift = 126 - (magnitude >>> 23); // counts in units of 2^-24, the smallest subnormal
  if (shift > 24) return sign; // below 2^-25, half of that unit
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, shift);
}

/** value / 2^shift, rounded to the nearest integer, ties to even. */
function roundShift(value: number, shift: number): number {
  const odd = (value >>> shift) & 1;
  return (value + (1 << (shift - 1)) - 1 + odd) >>> shift;
}
