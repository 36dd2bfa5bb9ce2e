// Files that are damaged or hostile, more than 200 of each format: each gives a WeightError within two seconds and
// 256 MB, and nothing is run. What hangs or ends the process fails the test.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import type { ByteSource } from '../src/weights/byte_source';
import { readWeights } from '../src/weights/read_weights';
import { writeSafetensors } from '../src/weights/write_safetensors';
import { pickleOf, py } from './pickle_writer';
import { type ZipEntry, zipOf } from './zip_writer';

type Bytes = Uint8Array<ArrayBufferLike>;
type Case = [what: string, bytes: Bytes];

const MAX_MS = 2000;
const MAX_BYTES = 256e6;
const OWNED = '/tmp/maskrcnn-owned';
const GOLDENS = 'tests/golden/checkpoints';
const golden = (file: string): Bytes => new Uint8Array(readFileSync(`${GOLDENS}/${file}`));

beforeAll(() => rmSync(OWNED, { force: true }));
afterAll(() => expect(existsSync(OWNED), 'a pickle was run').toBe(false));

const ignore = { header() {}, data() {} };

/** Heap and array buffers at their peak while a file is read, over what they were before, and how long it took. */
async function outcome(bytes: Bytes): Promise<{ error: unknown; ms: number; grown: number }> {
  const used = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const started = performance.now();
  const hung = new Promise((resolve) => setTimeout(resolve, 2 * MAX_MS, 'it hangs'));
  const read = readWeights(bytes, ignore).then(
    () => undefined,
    (fault) => fault,
  );
  const error = await Promise.race([read, hung]);
  return { error, ms: performance.now() - started, grown: used() - before };
}

async function refused([what, bytes]: Case): Promise<void> {
  const { error, ms, grown } = await outcome(bytes);
  expect(error, what).toBeInstanceOf(WeightError);
  expect((error as Error).message.length, what).toBeLessThan(700);
  expect(ms, what).toBeLessThan(MAX_MS);
  expect(grown, what).toBeLessThan(MAX_BYTES);
}

/** `count` places in `bytes` from `first` on, evenly. */
function places(bytes: Bytes, count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + Math.floor((i * (bytes.length - first)) / count));
}

const cut = (what: string, bytes: Bytes, count: number): Case[] =>
  places(bytes, count).map((end) => [`${what} cut off at ${end}`, bytes.slice(0, end)]);

function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

const repeated = (piece: Uint8Array, times: number) =>
  new Uint8Array(Buffer.alloc(times * piece.length, piece));

// what attackers write, whatever the container

const HOSTILE: [module: string, name: string][] = [
  ...['system', 'popen', 'execv', 'remove', 'spawnl'].flatMap((name): [string, string][] =>
    ['os', 'posix', 'nt'].map((module) => [module, name]),
  ),
  ...[
    'eval',
    'exec',
    'compile',
    '__import__',
    'getattr',
    'setattr',
    'open',
    'globals',
    'type',
    'object',
    'apply',
  ].flatMap((name): [string, string][] => ['builtins', '__builtin__'].map((module) => [module, name])),
  ['subprocess', 'Popen'],
  ['subprocess', 'check_output'],
  ['shutil', 'rmtree'],
  ['socket', 'socket'],
  ['ctypes', 'CDLL'],
  ['importlib', 'import_module'],
  ['pickle', 'loads'],
  ['_pickle', 'loads'],
  ['runpy', '_run_code'],
  ['operator', 'attrgetter'],
  ['operator', 'methodcaller'],
  ['functools', 'partial'],
  ['copyreg', '_reconstructor'],
  ['copy_reg', '_reconstructor'],
  ['webbrowser', 'open'],
  ['torch', 'load'],
  ['torch.hub', 'load'],
  ['torch.serialization', 'load'],
  ['torch.storage', '_load_from_bytes'],
  ['torch._utils', '_import_dotted_name'],
  ['torch.jit', 'load'],
  ['numpy', 'load'],
  ['numpy', 'fromfile'],
  ['numpy.core.multiarray', 'fromstring'],
  ['numpy.f2py.crackfortran', 'getlincoef'],
  ['collections', 'namedtuple'],
  ['collections.OrderedDict', 'clear'],
  ['__main__', 'Model'],
  ['', ''],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  ['hasOwnProperty', 'call'],
];

/** One pickle for each global, and ways to reach it. */
function hostilePickles(): [string, Uint8Array][] {
  const command = py.tuple([py.text(`touch ${OWNED}`)]);
  const calls = HOSTILE.flatMap(([module, name]): [string, Uint8Array][] => [
    [`GLOBAL ${module}.${name}`, py.reduce(py.global(module, name), command)],
    [`STACK_GLOBAL ${module}.${name}`, py.reduce(py.stackGlobal(module, name), command)],
  ]);
  const inert = py.global('torch', 'FloatStorage');
  const ordered = py.global('collections', 'OrderedDict');
  const rebuild = py.global('torch._utils', '_rebuild_tensor_v2');
  const retyped = py.global('torch._tensor', '_rebuild_from_type_v2');
  const others: [string, Uint8Array][] = [
    ['a call of what is only a name', py.reduce(inert, command)],
    ['a call of a text', py.reduce(py.text('os.system'), command)],
    ['a call of a dict', py.reduce(py.dict([]), command)],
    ['arguments that are no tuple', py.reduce(ordered, py.integer(1))],
    ['a new object of a text', py.newObject(py.text('object'), command)],
    ['INST', py.raw('(', 'ios\nsystem\n')],
    ['OBJ', py.raw('(', py.global('collections', 'OrderedDict'), 'o')],
    ['NEWOBJ_EX', py.raw(ordered, py.tuple([]), py.dict([]), 0x92)],
    ['an extension', py.raw(0x82, 1)],
    ['PERSID', py.raw('P', 'os.system\n')],
    ['a buffer out of band', py.raw(0x97)],
    ['a state for a number', py.build(py.integer(1), py.dict([]))],
    ['a state for a name', py.build(inert, py.dict([['__setstate__', py.text('os.system')]]))],
    [
      'a tensor of no storage',
      py.reduce(rebuild, py.tuple([py.none, py.integer(0), py.tuple([]), py.tuple([])])),
    ],
    ['a tensor of nothing', py.reduce(rebuild, py.tuple([]))],
    ['a type that makes itself', py.reduce(retyped, py.tuple([retyped, inert, py.tuple([]), py.none]))],
    ['pairs that are none', py.reduce(ordered, py.tuple([py.list([py.integer(1)])]))],
    [
      'bytes of text beyond latin-1',
      py.reduce(py.global('_codecs', 'encode'), py.tuple([py.text('\u4e00')])),
    ],
    ['names that are numbers', py.raw(py.integer(1), py.integer(2), 0x93)],
  ];
  return [...calls, ...others];
}

/** Pickles that would take memory or time without end. */
function bombs(): [string, Uint8Array][] {
  const open = py.raw(']', '(');
  const doubled = py.raw(
    ']',
    'q',
    0,
    ...Array.from({ length: 250 }, (_, i) => py.raw(']', '(', 'h', i, 'h', i, 'e', 'q', i + 1)),
  );
  const long = py.text('x'.repeat(1_000_000));
  const encode = py.raw(
    py.global('_codecs', 'encode'),
    'q',
    1,
    '0',
    long,
    'q',
    2,
    '0',
    py.text('latin1'),
    'q',
    3,
    '0',
  );
  const copy = py.raw(py.global('collections', 'OrderedDict'), 'q', 1, '0');
  const wide = py.raw(
    '}',
    '(',
    repeated(py.raw('K', 1, 'N'), 1),
    ...Array.from({ length: 5000 }, (_, i) => py.raw(py.integer(i), 'N')),
    'u',
    'q',
    2,
    '0',
  );
  return [
    ['lists in lists without end', repeated(open, 200_000)],
    ['marks without end', repeated(py.raw('('), 2_000_000)],
    ['dicts without end', repeated(py.raw('}'), 2_000_000)],
    ['numbers without end', repeated(py.raw('N'), 2_000_000)],
    ['doubled lists', doubled],
    ['doubles of the top', py.raw('N', repeated(py.raw('2'), 2_000_000))],
    ['a memo without end', py.raw('N', repeated(py.raw(0x94), 1_000_000))],
    [
      'memo places far apart',
      py.raw('N', 'r', 0xff, 0xff, 0xff, 0xff, repeated(py.raw('j', 0xff, 0xff, 0xff, 0xfe), 1)),
    ],
    [
      'copies of a long text',
      py.raw(encode, '(', repeated(py.raw('h', 1, 'h', 2, 'h', 3, 0x86, 'R'), 5000), 'l'),
    ],
    [
      'copies of a wide dict',
      py.raw(wide, copy, '(', repeated(py.raw('h', 1, 'h', 2, 0x85, 'R'), 20_000), 'l'),
    ],
    ['texts without end', repeated(long, 40)],
    ['long numbers', repeated(py.raw(0x8a, 255, new Uint8Array(255).fill(0x7f)), 200_000)],
    ['many numbers', repeated(py.raw(0x8a, 16, new Uint8Array(16).fill(0x7f)), 2_000_000)],
    ['a number without end', py.raw(0x8b, little(2 ** 31 - 1, 4))],
    ['a line without end', py.raw('c', new Uint8Array(1_000_000).fill(0x61))],
    ['digits without end', py.raw('L', new Uint8Array(1_000_000).fill(0x39), '\n')],
    ['a text of 4 GB', py.raw('X', 0xff, 0xff, 0xff, 0xff, 'x')],
    ['a text of 2^63 bytes', py.raw(0x8d, new Uint8Array(8).fill(0x7f))],
    ['bytes of 2^63', py.raw(0x8e, new Uint8Array(8).fill(0x7f))],
    ['negative bytes', py.raw('T', 0xff, 0xff, 0xff, 0xff)],
  ];
}

/** Shapes, strides and offsets that do not fit eight float32 elements. */
const MISFITS: [offset: number, shape: number[], strides: number[]][] = [
  [0, [9], [1]],
  [1, [8], [1]],
  [8, [1], [1]],
  [-1, [1], [1]],
  [0, [-1], [1]],
  [0, [2], [-1]],
  [0, [2], [8]],
  [0, [2, 2], [7, 1]],
  [0, [2], [1, 1]],
  [0, [2, 2], [1]],
  [0, Array(9).fill(1), Array(9).fill(1)],
  [0, [2 ** 31 - 1], [1]],
  [0, [2 ** 31 - 1, 2 ** 31 - 1], [0, 0]],
  [0, [1_000_000, 1000], [0, 0]],
  [2 ** 31 - 1, [1], [1]],
  [0, [1, 2], [1, 2 ** 31 - 1]],
];

function misfits(storage: Uint8Array): [string, Uint8Array][] {
  return MISFITS.map(([offset, shape, strides]) => {
    const tensor = py.tensor(storage, py.integer(offset), shape.map(py.integer), strides.map(py.integer));
    return [`[${shape}] by [${strides}] from ${offset}`, py.dict([['w', tensor]])];
  });
}

function zipCases(): Case[] {
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

function legacyCases(): Case[] {
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

function pickleCases(): Case[] {
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

function safetensorsCases(): Case[] {
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
    ['metadata that is none', file({ __metadata__: [1] })],
    ...places(new Uint8Array(64), 64).map(
      (n): Case => [`${n} bytes behind`, py.raw(whole, new Uint8Array(n + 1))],
    ),
  ];
}

const FORMATS: [string, () => Case[]][] = [
  ["PyTorch's zip", zipCases],
  ["PyTorch's old format", legacyCases],
  ["detectron2's and Caffe2's pickles", pickleCases],
  ['safetensors', safetensorsCases],
];

describe.each(FORMATS)('%s', (_, cases) => {
  test('200 files and more are refused, quickly and in little memory', { timeout: 120_000 }, async () => {
    const all = cases();
    expect(all.length).toBeGreaterThanOrEqual(200);
    for (const one of all) await refused(one);
  });
});

test('an index of shards that is none, or lists files from elsewhere', async () => {
  const index = (map: unknown): ByteSource => ({
    name: 'index',
    async *read() {
      yield Buffer.from(JSON.stringify({ weight_map: map }));
    },
    sibling: () => Buffer.from('no shard'),
  });
  const maps = [
    null,
    [],
    {},
    1,
    { a: 1 },
    { a: '../b.safetensors' },
    { a: '/etc/passwd' },
    { a: 'http://x/y.safetensors' },
    { a: 'b.pth' },
    { a: 'b.safetensors' },
  ];
  for (const map of maps) await expect(readWeights(index(map), ignore)).rejects.toThrow(WeightError);
});

describe('damage of any kind gives tensors or a WeightError', () => {
  const files = [
    'zip_f32.pth',
    'zip_deflated.pth',
    'legacy_wrapped.pth',
    'detectron_2.pkl',
    'detectron_5.pkl',
    'python2.pkl',
  ];
  test.each(files)('%s with bytes changed, cut out and put in', { timeout: 120_000 }, async (file) => {
    const whole = golden(file);
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(4), fc.uint8Array({ maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let damaged = whole;
        for (const [at, length, bytes] of changes) {
          damaged = py.raw(damaged.subarray(0, at), bytes, damaged.subarray(at + length));
        }
        const { error, ms } = await outcome(damaged);
        if (error !== undefined) expect(error).toBeInstanceOf(WeightError);
        expect(ms).toBeLessThan(MAX_MS);
      }),
      { numRuns: 150 },
    );
  });

  test('opcodes at random', { timeout: 120_000 }, async () => {
    const opcodes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(opcodes, async (codes) => {
        const { error, ms } = await outcome(py.raw(0x80, 4, codes));
        expect(error).toBeInstanceOf(WeightError);
        expect(ms).toBeLessThan(MAX_MS);
      }),
      { numRuns: 500 },
    );
  });
});
