// Writes Caffe2 NetDefs: what the tests hand to the reader.

type Value = number | Uint8Array | string;

/** A field as [number, value]; numbers become varints. */
export type Field = [number: number, value: Value];

/** An argument: one number, `f` for floats and `i` for integers; bytes; or a list. */
export type Argument =
  | { f: number }
  | { i: number }
  | { s: Uint8Array | string }
  | { floats: number[] }
  | { ints: number[] };

export interface OperatorRow {
  type: string;
  inputs?: string[];
  outputs?: string[];
  arguments?: Record<string, Argument>;
}

function varint(value: number): number[] {
  let left = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const more = left > 127n;
    bytes.push(Number(left & 127n) | (more ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return bytes;
}

export function message(fields: readonly Field[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [...varint(number * 8), ...varint(value)];
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
    }),
  );
}

/** A float32 as a field of wire type 5, put together by hand. */
function float(number: number, value: number): number[] {
  return [...varint(number * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

function argument(name: string, value: Argument, packed: boolean): Uint8Array {
  const head = message([[1, name]]);
  if ('f' in value) return Uint8Array.from([...head, ...float(2, value.f)]);
  if ('i' in value)
    return message([
      [1, name],
      [3, value.i],
    ]);
  if ('s' in value)
    return message([
      [1, name],
      [4, value.s],
    ]);
  if ('ints' in value) {
    const one: Field[] = [[6, Uint8Array.from(value.ints.flatMap(varint))]];
    return message([[1, name], ...(packed ? one : value.ints.map((item): Field => [6, item]))]);
  }
  if (packed)
    return message([
      [1, name],
      [5, new Uint8Array(Float32Array.from(value.floats).buffer)],
    ]);
  return Uint8Array.from([...head, ...value.floats.flatMap((item) => float(5, item))]);
}

/** `packed`: repeated numbers in one field, as newer writers do. */
export function writeNet(operators: readonly OperatorRow[], packed = false): Uint8Array {
  return message([
    [1, 'net'],
    ...operators.map(({ type, inputs = [], outputs = [], arguments: given = {} }): Field => {
      const fields: Field[] = [
        ...inputs.map((name): Field => [1, name]),
        ...outputs.map((name): Field => [2, name]),
        [4, type],
        ...Object.entries(given).map(([name, value]): Field => [5, argument(name, value, packed)]),
      ];
      return [2, message(fields)];
    }),
  ]);
}
