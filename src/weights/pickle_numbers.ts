// Numbers and lines of pickles, each within bounds.

import type { PickleInput } from './pickle_input';

const MAX_INTEGER_BYTES = 16; // the longest that is written is the magic number, of 10
const MAX_LINE = 128;

/** Two's complement, little-endian. */
export function integer(input: PickleInput, length: number): number | bigint {
  if (length > MAX_INTEGER_BYTES)
    throw input.fault(`integers of ${MAX_INTEGER_BYTES} bytes at most, got ${length}`);
  input.spend(length);
  let value = 0n;
  const bytes = input.take(length);
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return plain(BigInt.asIntN(8 * length, value));
}

export function decimal(input: PickleInput): number | bigint | boolean {
  const text = line(input);
  if (text === '00' || text === '01') return text === '01'; // booleans before protocol 2
  if (!/^[+-]?\d+L?$/.test(text)) throw input.fault(`a whole number, got '${text.slice(0, 40)}'`);
  return plain(BigInt(text.replace(/L$/, '').replace(/^\+/, '')));
}

export function decimalFraction(input: PickleInput): number {
  const text = line(input);
  const value = Number(text);
  const known = text !== '' && (!Number.isNaN(value) || text === 'nan');
  if (!known) throw input.fault(`a number, got '${text.slice(0, 40)}'`);
  return value;
}

/** Up to the next newline. */
export function line(input: PickleInput): string {
  const codes: number[] = [];
  input.spend(MAX_LINE);
  for (let code = input.byte(); code !== 0x0a; code = input.byte()) {
    if (codes.push(code) > MAX_LINE)
      throw input.fault(`lines of at most ${MAX_LINE} characters, got a longer one`);
  }
  return String.fromCharCode(...codes);
}

export function float64(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0); // big-endian
}

/** As a number where that is exact. */
function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
