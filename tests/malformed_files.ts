// Damaged and hostile files of pickles: PyTorch's two formats, and bare ones.

import { readFileSync } from 'node:fs';
import { type Bytes, type Case, cut, little } from './malformed_case';
import { bombs, hostilePickles, misfits } from './malformed_pickles';
import { pickleOf, py } from './pickle_writer';
import { type ZipEntry, zipOf } from './zip_writer';

const golden = (file: string): Bytes => new Uint8Array(readFileSync(`tests/golden/checkpoints/${file}`));

export function zipCases(): Case[] {
  const whole = golden('zip_f32.pth');
  const data = new Uint8Array(32);
  const archive = (pickle: Uint8Array, ...more: ZipEntry[]) =>
    zipOf([{ name: 'a/data.pkl', data: pickle }, { name: 'a/data/0', data }, ...more]);
  const inside = ([what, value]: [string, Uint8Array]): Case => [what, archive(pickleOf(value))];
  const good = pickleOf(
    py.dict([['w', py.tensor(py.storage('0', 8), py.integer(0), [py.integer(8)], [py.integer(1)])]]),
  );
  const entry = { name: 'a/data.pkl', data: good };
  const zeros = new Uint8Array(100 << 20);
  const nothing = new Uint8Array(0);
  const bomb = { name: 'a/data/0', data: zeros.subarray(0, 60e6), deflate: true };
  const bombs200 = Array.from({ length: 200 }, (_, i) => ({
    name: `a/data/${i}`,
    data: zeros.subarray(0, 1e6),
    deflate: true,
  }));
  const tensors = (count: number, tensor: (i: number) => Uint8Array) =>
    pickleOf(py.dict(Array.from({ length: count }, (_, i) => [`w${i}`, tensor(i)])));
  const repeated = tensors(200, (i) =>
    py.tensor(py.storage(String(i), 250_000), py.integer(0), [py.integer(1)], [py.integer(1)]),
  );
  /** The first and the last number of a storage, a thousand times. */
  const striding = (count: number) =>
    tensors(1000, () =>
      py.tensor(py.storage('0', count), py.integer(0), [py.integer(2)], [py.integer(count - 1)]),
    );
  const again = tensors(1000, () =>
    py.tensor(py.storage('0', 250_000), py.integer(0), [py.integer(250_000)], [py.integer(1)]),
  );
  const storages: [string, Uint8Array][] = [
    ['another storage', py.storage('1', 8)],
    ['a storage outside', py.storage('../data.pkl', 8)],
    ['a longer storage', py.storage('0', 9)],
    ['a negative storage', py.storage('0', -1)],
    ['wider elements', py.storage('0', 8, 'DoubleStorage')],
    ['an id that is none', py.persistent(py.integer(1))],
    ['an id of another kind', py.persistent(py.tuple([py.text('module')]))],
  ].map(([what, storage]) => [
    what as string,
    py.dict([['w', py.tensor(storage as Uint8Array, py.integer(0), [py.integer(8)], [py.integer(1)])]]),
  ]);
  const structure: Case[] = [
    ['no pickle', zipOf([{ name: 'a/data/0', data }])],
    ['empty', zipOf([])],
    ['two pickles of a name', zipOf([entry, { name: 'a/data/0', data }, { name: 'a/data/0', data }])],
    ['an overlap', zipOf([entry, { name: 'a/data/0', data, offset: 0 }])],
    ['an entry behind the end', zipOf([entry, { name: 'a/data/0', data, offset: 1e9 }])],
    ['an entry that is too long', zipOf([entry, { name: 'a/data/0', data, size: 1e9, packedSize: 1e9 }])],
    ['stored, of two sizes', zipOf([entry, { name: 'a/data/0', data, size: 64 }])],
    ['encrypted', zipOf([entry, { name: 'a/data/0', data, flags: 1 }])],
    ['another compression', zipOf([entry, { name: 'a/data/0', data, method: 12 }])],
    ['too many entries', zipOf([entry], { count: 60_000 })],
    ['a table behind the end', zipOf([entry], { at: 1e9 })],
    ['big-endian', archive(good, { name: 'a/byteorder', data: Buffer.from('big') })],
    ['a bomb of zeros as pickle', zipOf([{ name: 'a/data.pkl', data: zeros, deflate: true }])],
    ['a bomb of zeros as elements', zipOf([entry, { name: 'a/data/0', data: zeros, deflate: true }])],
    ['a bomb that lies', zipOf([entry, { name: 'a/data/0', data: zeros, deflate: true, size: 32 }])],
    ['damaged deflation', zipOf([entry, { name: 'a/data/0', data, method: 8 }])],
    ['50,000 entries', zipOf(Array.from({ length: 50_000 }, (_, i) => ({ name: `a/${i}`, data: nothing })))],
    [
      'names of 64 kB',
      zipOf(Array.from({ length: 60 }, (_, i) => ({ name: `${i}${'x'.repeat(60_000)}`, data: nothing }))),
    ],
    ['a bomb in each of 200 entries', zipOf([{ name: 'a/data.pkl', data: repeated }, ...bombs200])],
    [
      'strides over a compressed storage, again and again',
      zipOf([{ name: 'a/data.pkl', data: striding(15_000_000) }, bomb]),
    ],
    [
      'strides over a storage, again and again',
      zipOf([
        { name: 'a/data.pkl', data: striding(250_000) },
        { name: 'a/data/0', data: zeros.subarray(0, 1e6) },
      ]),
    ],
    [
      'one storage, again and again',
      zipOf([
        { name: 'a/data.pkl', data: again },
        { name: 'a/data/0', data: zeros.subarray(0, 1e6) },
      ]),
    ],
    ['a pickle of 65 MB that is none', zipOf([{ name: 'a/data.pkl', data: zeros.subarray(0, 65 << 20) }])],
  ];
  const storage = py.storage('0', 8);
  return [
    ...cut('a zip', whole, 100),
    ...hostilePickles().map(inside),
    ...bombs().map(inside),
    ...misfits(storage).map(inside),
    ...storages.map(inside),
    ...structure,
  ];
}

const MAGIC = py.long(0x1950a86a20f9469cfc6cn, 10);

/** PyTorch's old format of `value`, with `keys` and what follows them. */
function legacy(value: Uint8Array, keys: Uint8Array, rest: Uint8Array, version = 1001): Bytes {
  const system = py.dict([
    ['protocol_version', py.integer(1001)],
    ['little_endian', py.true],
  ]);
  return py.raw(...[MAGIC, py.integer(version), system, value, keys].map((part) => pickleOf(part)), rest);
}

export function legacyCases(): Case[] {
  const data = py.raw(little(8, 8), new Uint8Array(32));
  const keys = py.list([py.text('0')]);
  const none = py.none;
  const storage = py.storage('0', 8, 'FloatStorage', [none]);
  const tensor = (of: Uint8Array) =>
    py.dict([['w', py.tensor(of, py.integer(0), [py.integer(8)], [py.integer(1)])]]);
  const inside = ([what, value]: [string, Uint8Array]): Case => [what, legacy(value, keys, data)];
  const view = (offset: number, count: number) =>
    tensor(
      py.storage('0', 8, 'FloatStorage', [py.tuple([py.text('v'), py.integer(offset), py.integer(count)])]),
    );
  const structure: Case[] = [
    ['another version', legacy(tensor(storage), keys, data, 1000)],
    ['no list of keys', legacy(tensor(storage), py.integer(1), data)],
    ['a key twice', legacy(tensor(storage), py.list([py.text('0'), py.text('0')]), py.raw(data, data))],
    ['an unknown key', legacy(tensor(storage), py.list([py.text('1')]), data)],
    ['a key that is missing', legacy(tensor(storage), py.list([]), new Uint8Array(0))],
    ['another count', legacy(tensor(storage), keys, py.raw(little(7, 8), new Uint8Array(32)))],
    [
      'a negative count',
      legacy(tensor(storage), keys, py.raw(new Uint8Array(8).fill(255), new Uint8Array(32))),
    ],
    ['too few elements', legacy(tensor(storage), keys, data.slice(0, 30))],
    ['too many elements', legacy(tensor(storage), keys, py.raw(data, 0))],
    ['a view behind its storage', legacy(view(1, 8), keys, data)],
    ['a negative view', legacy(view(-1, 8), keys, data)],
    ['a storage of 2^31', legacy(tensor(py.storage('0', 2 ** 31 - 1, 'FloatStorage', [none])), keys, data)],
    [
      'two dtypes of one storage',
      legacy(py.list([storage, py.storage('0', 8, 'LongStorage', [none])]), keys, data),
    ],
  ];
  return [
    ...cut('the old format', golden('legacy_f32.pth'), 80),
    ...hostilePickles().map(inside),
    ...bombs().map(inside),
    ...misfits(storage).map(inside),
    ...structure,
  ];
}

export function pickleCases(): Case[] {
  const eight = new Uint8Array(32);
  const inside = ([what, value]: [string, Uint8Array]): Case => [what, pickleOf(value)];
  const array = (...given: Parameters<typeof py.array>) => py.dict([['w', py.array(...given)]]);
  const arrays: [string, Uint8Array][] = [
    ['too few bytes', array([9], 'f4', eight)],
    ['a negative shape', array([-1], 'f4', eight)],
    ['nine axes', array(Array(9).fill(1), 'f4', eight)],
    ['big-endian', array([8], 'f4', eight, '>')],
    ['objects', array([4], 'O8', eight)],
    ['texts', array([8], 'S4', eight)],
    ['an unknown type', array([8], '__proto__', eight)],
    ['a huge shape', array([2 ** 31 - 1, 2 ** 31 - 1], 'f4', eight)],
    [
      'an array without state',
      py.dict([['w', py.reduce(py.global('numpy.core.multiarray', '_reconstruct'), py.tuple([]))]]),
    ],
    ['a persistent id', py.persistent(py.text('0'))],
    ['no dict', py.list([])],
    ['an empty dict', py.dict([])],
    [
      'a dict in dicts',
      py.dict([
        [
          'model',
          py.dict([
            [
              'model',
              py.dict([['model', py.dict([['model', py.dict([['model', array([8], 'f4', eight)]])]])]]),
            ],
          ]),
        ],
      ]),
    ],
  ];
  const good = array([8], 'f4', eight);
  const protocols: Case[] = [6, 7, 100, 255].map((protocol) => [
    `protocol ${protocol}`,
    pickleOf(good, protocol),
  ]);
  return [
    ...cut('a pickle', golden('detectron_4.pkl'), 60),
    ...cut("Python 2's pickle", golden('python2.pkl'), 60),
    ...hostilePickles().map(inside),
    ...bombs().map(inside),
    ...arrays.map(inside),
    ...protocols,
    ['bytes behind the pickle', py.raw(pickleOf(good), 0)],
    ['nothing but STOP', py.raw(0x80, 2, '.')],
  ];
}
