// What attackers put into pickles, whatever the container: names that would run something, values without end, and
// tensors that lie outside their storages.

import { little } from './malformed_case';
import { py } from './pickle_writer';

/** What a hostile pickle would make, if it ran. */
export const OWNED = '/tmp/maskrcnn-owned';

const repeated = (piece: Uint8Array, times: number) =>
  new Uint8Array(Buffer.alloc(times * piece.length, piece));

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
export function hostilePickles(): [string, Uint8Array][] {
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
export function bombs(): [string, Uint8Array][] {
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

export function misfits(storage: Uint8Array): [string, Uint8Array][] {
  return MISFITS.map(([offset, shape, strides]) => {
    const tensor = py.tensor(storage, py.integer(offset), shape.map(py.integer), strides.map(py.integer));
    return [`[${shape}] by [${strides}] from ${offset}`, py.dict([['w', tensor]])];
  });
}
