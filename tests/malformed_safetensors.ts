// Damaged and hostile safetensors files, in one and in shards.

import { writeSafetensors } from '../src/weights/write_safetensors';
import { type Bytes, type Case, cut, little, places } from './malformed_case';
import { py } from './pickle_writer';

const members = (count: number, member: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => member(i)).join();

const empty = (count: number) =>
  Array.from({ length: count }, (_, i) => [
    i.toString(36),
    { dtype: 'F32', shape: [0], data_offsets: [0, 0] },
  ]);

export function safetensorsCases(): Case[] {
  const whole = writeSafetensors([
    { name: 'a', dtype: 'F32', shape: [4, 4], data: new Float32Array(16) },
    { name: 'b', dtype: 'F32', shape: [3], data: new Float32Array(3) },
  ]);
  const file = (header: unknown, bytes = 0): Bytes => {
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    return py.raw(little(text.length, 8), text, new Uint8Array(bytes));
  };
  const t = (more: object) => ({ t: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more } });
  const numbers = [-1, 0.5, 1e300, 2 ** 53, '2', null, [], {}, true];
  const offsets = [[0, 4], [4, 8], [8, 0], [-8, 0], [0, 8, 8], [0], [0, 2 ** 60], [0.5, 8.5], 'x', null];
  const dtypes = ['F33', 'I64', 'BOOL', 'f32', '', '__proto__', 'toString', 1, null, [], {}];
  const lengths = [0, 1, 2, 1e8, 1e8 + 1, 2 ** 40, 2 ** 53 - 1];
  const scales = ['I8', 'U8'].map(
    (dtype): Case => [`${dtype} without a scale`, file(t({ dtype, data_offsets: [0, 2] }), 1)],
  );
  return [
    ...cut('safetensors', whole, 100),
    ...numbers.map((n): Case => [`shape [${JSON.stringify(n)}]`, file(t({ shape: [n] }), 8)]),
    ...numbers.map((n): Case => [`shape ${JSON.stringify(n)}`, file(t({ shape: n === 2 ? 1 : n }), 9)]),
    ...offsets.map(
      (given): Case => [`offsets ${JSON.stringify(given)}`, file(t({ data_offsets: given }), 8)],
    ),
    ...dtypes.map((dtype): Case => [`dtype ${JSON.stringify(dtype)}`, file(t({ dtype }), 8)]),
    ...lengths.map((length): Case => [`a header of ${length}`, py.raw(little(length, 8), '{}   ')]),
    ...scales,
    ['an overlap', file({ ...t({}), u: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, 8)],
    ['a hole', file({ ...t({}), u: { dtype: 'F32', shape: [1], data_offsets: [12, 16] } }, 16)],
    ['deep arrays', file(`{"t":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)],
    ['deep objects', file(`${'{"t":'.repeat(20_000)}1${'}'.repeat(20_000)}`)],
    ['a huge header of spaces', file(`{${' '.repeat(20 << 20)}`)],
    ['a header of spaces', file(`{${' '.repeat(4 << 20).slice(2)}`)],
    ['a header of objects', file(`{${members(360_000, (i) => `"${i}":{}`)}}`)],
    ['a header of texts', file(`{"__metadata__":{${members(250_000, (i) => `"${i}":"x"`)},"":1}}`)],
    [
      'a header of tensors',
      file({ ...Object.fromEntries(empty(50_000)), ...t({ data_offsets: [4, 12] }) }, 12),
    ],
    ['a shape of two million', file(t({ shape: Array(1_900_000).fill(1) }), 8)],
    ['a name of 4 MB', file({ ['x'.repeat(4_000_000)]: {} })],
    ['metadata that is none', file({ __metadata__: [1] })],
    ...places(new Uint8Array(64), 64).map(
      (n): Case => [`${n} bytes behind`, py.raw(whole, new Uint8Array(n + 1))],
    ),
  ];
}

export function shardCases(): Case[] {
  const names = ['one.safetensors', 'two.safetensors'] as const;
  const [one, two] = ['a', 'b'].map((name) =>
    writeSafetensors([{ name, dtype: 'F32', shape: [4, 4], data: new Float32Array(16) }]),
  ) as [Bytes, Bytes];
  const json = (value: unknown): Bytes =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const index = json({ metadata: { total_size: 128 }, weight_map: { a: names[0], b: names[1] } });
  const files = (parts: Partial<Record<'index' | 'one' | 'two', Bytes>>): Record<string, Bytes> => ({
    'index.json': parts.index ?? index,
    [names[0]]: parts.one ?? one,
    [names[1]]: parts.two ?? two,
  });
  const maps: unknown[] = [
    null,
    [],
    {},
    1,
    'x',
    true,
    { a: 1 },
    { a: null },
    { a: [] },
    { a: {} },
    { a: '' },
  ];
  const places = [
    ...[
      '../b.safetensors',
      '/etc/passwd',
      'http://x/y.safetensors',
      'b.pth',
      'c/b.safetensors',
      '.safetensors/x',
    ],
    ...[
      '%2e%2e/b.safetensors',
      'C:\\b.safetensors',
      'b.safetensors\0',
      'b.safetensors?x',
      '__proto__',
      'none.safetensors',
    ],
  ];
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, `${i}.safetensors`]));
  const indices: [string, unknown][] = [
    ...maps.map((map): [string, unknown] => [`a map that is ${JSON.stringify(map)}`, { weight_map: map }]),
    ...places.map((place): [string, unknown] => [`a file ${place}`, { weight_map: { a: place } }]),
    ['no map', {}],
    ['a tensor that no file has', { weight_map: { a: names[0], b: names[1], c: names[1] } }],
    ['an empty list', []],
    ['33 files', { weight_map: many(33) }],
    ['a thousand files', { weight_map: many(1000) }],
    ['deep arrays', `{"weight_map":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['deep objects', `${'{"weight_map":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['5 MB of spaces', `{${' '.repeat(5 << 20)}}`],
    ['4 MB of objects', `{${members(330_000, (i) => `"${i}":{}`)}}`],
    ['4 MB of names', `{"weight_map":{${members(150_000, (i) => `"${i}":"one.safetensors"`)}}}`],
  ];
  const wide = (first: number): Bytes => {
    const text = Buffer.from(
      JSON.stringify(Object.fromEntries(empty(40_000).map(([name, info]) => [`${first}${name}`, info]))),
    );
    return py.raw(little(text.length, 8), text);
  };
  return [
    ...cut('an index', index, 50).map(([what, part]): Case => [what, files({ index: part })]),
    ...cut('the first file', one, 50).map(([what, part]): Case => [what, files({ one: part })]),
    ...cut('the second file', two, 50).map(([what, part]): Case => [what, files({ two: part })]),
    ...indices.map(([what, value]): Case => [what, files({ index: json(value) })]),
    ...Array.from(
      { length: 20 },
      (_, n): Case => [`${n} bytes behind`, files({ one: py.raw(one, new Uint8Array(n + 1)) })],
    ),
    ['a tensor twice', files({ two: one })],
    ['an index in an index', files({ one: index })],
    ['a zip as a part', files({ one: Buffer.from('PK\x03\x04') })],
    ['a pickle as a part', files({ one: Buffer.from('\x80\x02N.', 'latin1') })],
    ['more tensors than there are', files({ one: wide(1), two: wide(2) })],
  ];
}
