// Finds infinities and NaN in a checkpoint's bytes without making numbers of them.

import { WeightError } from '../errors';
import { DTYPE_BYTES, type SafetensorsDtype } from './float16';

/** Exponent bits that mark infinities and NaN, in a 32-bit word that holds one F32, half an F64 or two halves. */
const EXPONENTS: Readonly<Record<SafetensorsDtype, readonly number[]>> = {
  F64: [0x7ff00000],
  F32: [0x7f800000],
  F16: [0x7c00, 0x7c000000],
  BF16: [0x7f80, 0x7f800000],
  I8: [],
  U8: [],
};

/** A weight that is not a number would spread over the whole result: say where it is instead. */
export function checkFinite(
  name: string,
  dtype: SafetensorsDtype,
  bytes: Uint8Array,
  advice = 'The file is damaged',
): void {
  const whole = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0 ? bytes : padded(bytes);
  const words = new Uint32Array(whole.buffer, whole.byteOffset, whole.length / 4);
  const [first, step] = DTYPE_BYTES[dtype] === 8 ? [1, 2] : [0, 1];
  for (const mask of EXPONENTS[dtype]) {
    for (let i = first; i < words.length; i += step) {
      // as signed numbers on both sides: bitwise results are
      if ((words[i]! & mask) === mask) {
        throw new WeightError(`${name}: wanted finite numbers; got an infinity or NaN. ${advice}`);
      }
    }
  }
}

/** The same with zeros up to a multiple of 4 bytes, as GPUQueue.writeBuffer wants. */
export function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}
