// SHA-256 of a file as it passes by (@noble/hashes: Web Crypto takes no streams).

import { WeightError } from '../errors';

/** The same chunks; at their end throws WeightError if their SHA-256 does not begin with the digits `sha256`. */
export async function* checkedSum(
  chunks: AsyncIterable<Uint8Array>,
  sha256: string,
  name: string,
): AsyncGenerator<Uint8Array> {
  const { sha256: algorithm } = await import('@noble/hashes/sha2.js');
  const hash = algorithm.create();
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hex(hash.digest());
  if (!found.startsWith(sha256.toLowerCase())) {
    const wanted = `a file whose SHA-256 begins with ${sha256}`;
    throw new WeightError(`${name}: wanted ${wanted}, got ${found}; fetch it again, or give its own sha256`);
  }
}

/** SHA-256 of a text. */
export async function digestOf(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
