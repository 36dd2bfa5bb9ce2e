// A malformed file, and ways to come by many.

export type Bytes = Uint8Array<ArrayBufferLike>;

/** One file, or several by their names, of which the first is the one to read. */
export type Case = [what: string, files: Bytes | Record<string, Bytes>];

/** `count` places in `bytes` from `first` on, evenly. */
export function places(bytes: Bytes, count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + Math.floor((i * (bytes.length - first)) / count));
}

/** `count` files that end early. */
export const cut = (what: string, bytes: Bytes, count: number): [what: string, bytes: Bytes][] =>
  places(bytes, count).map((end) => [`${what} cut off at ${end}`, bytes.slice(0, end)]);

/** A number, the lowest byte first. */
export function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
}
