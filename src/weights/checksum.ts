// Checksums of files as they pass by (@noble/hashes: Web Crypto takes no streams).

import { WeightError } from '../errors';

/** `sha256:` or `md5:`, and the first hexadecimal digits of the sum, or all of them. */
export type Checksum = `sha256:${string}` | `md5:${string}`;

const ALGORITHMS = {
  sha256: async () => (await import('@noble/hashes/sha2.js')).sha256,
  md5: async () => (await import('@noble/hashes/legacy.js')).md5, // of publishers who give no better
};

/** A user's `sha256` as a checksum, if there is one. */
export function sha256Sum(digits?: string): Checksum | undefined {
  if (digits === undefined) return undefined;
  if (/^[0-9a-f]{1,64}$/i.test(digits)) return `sha256:${digits.toLowerCase()}`;
  throw new WeightError(`sha256: wanted up to 64 hexadecimal digits, got '${digits.slice(0, 80)}'`);
}

/** The same chunks; at their end calls `refuse` and throws WeightError if they have another checksum. */
export async function* checkedSum(
  chunks: AsyncIterable<Uint8Array>,
  checksum: Checksum,
  name: string,
  refuse?: () => void,
): AsyncGenerator<Uint8Array> {
  const [algorithm, digits] = checksum.split(':') as [keyof typeof ALGORITHMS, string];
  const hash = (await ALGORITHMS[algorithm]()).create();
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hex(hash.digest());
  if (found.startsWith(digits)) return;
  refuse?.();
  const sum = algorithm === 'md5' ? 'MD5' : 'SHA-256';
  const wanted = `a file whose ${sum} begins with ${digits}`;
  throw new WeightError(`${name}: wanted ${wanted}, got ${found}; fetch it again, or give its own sha256`);
}

/** SHA-256 of a text. */
export async function digestOf(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
