// Writes pickles opcode by opcode, good ones and hostile ones: pieces are bytes that push one value.

type Piece = Uint8Array;

const bytes = (...parts: (number | string | ArrayLike<number>)[]): Piece =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'number'
          ? Buffer.of(part)
          : typeof part === 'string'
            ? Buffer.from(part)
            : Buffer.from(part as Uint8Array),
      ),
    ),
  );

function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
}

export const py = {
  raw: bytes,
  none: bytes('N'),
  true: bytes(0x88),
  false: bytes(0x89),
  integer: (value: number): Piece => bytes('J', little(value < 0 ? value + 2 ** 32 : value, 4)),
  long: (value: bigint, size: number): Piece =>
    bytes(
      0x8a,
      size,
      Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)),
    ),
  text: (value: string): Piece => bytes('X', little(Buffer.byteLength(value), 4), Buffer.from(value)),
  bytes: (value: Uint8Array): Piece => bytes('B', little(value.length, 4), value),
  list: (items: Piece[]): Piece => bytes(']', '(', ...items, 'e'),
  tuple: (items: Piece[]): Piece => bytes('(', ...items, 't'),
  dict: (items: [string, Piece][]): Piece =>
    bytes('}', '(', ...items.flatMap(([key, value]) => [py.text(key), value]), 'u'),
  global: (module: string, name: string): Piece => bytes('c', `${module}\n${name}\n`),
  stackGlobal: (module: string, name: string): Piece => bytes(py.text(module), py.text(name), 0x93),
  reduce: (called: Piece, given: Piece): Piece => bytes(called, given, 'R'),
  newObject: (made: Piece, given: Piece): Piece => bytes(made, given, 0x81),
  build: (value: Piece, state: Piece): Piece => bytes(value, state, 'b'),
  persistent: (id: Piece): Piece => bytes(id, 'Q'),

  /** numpy's array. */
  array(shape: number[], code: string, data: Uint8Array, order = '<'): Piece {
    const reconstruct = py.global('numpy.core.multiarray', '_reconstruct');
    const empty = py.tuple([py.global('numpy', 'ndarray'), py.tuple([py.integer(0)]), py.bytes(bytes('b'))]);
    const minus = py.integer(-1);
    const dtype = py.build(
      py.reduce(py.global('numpy', 'dtype'), py.tuple([py.text(code), py.false, py.true])),
      py.tuple([py.integer(3), py.text(order), py.none, py.none, py.none, minus, minus, py.integer(0)]),
    );
    const sizes = py.tuple(shape.map(py.integer));
    return py.build(
      py.reduce(reconstruct, empty),
      py.tuple([py.integer(1), sizes, dtype, py.false, py.bytes(data)]),
    );
  },

  /** torch's tensor of a storage. */
  tensor(storage: Piece, offset: Piece, shape: Piece[], strides: Piece[]): Piece {
    const rebuild = py.global('torch._utils', '_rebuild_tensor_v2');
    const hooks = py.reduce(py.global('collections', 'OrderedDict'), py.tuple([]));
    return py.reduce(
      rebuild,
      py.tuple([storage, offset, py.tuple(shape), py.tuple(strides), py.false, hooks]),
    );
  },

  /** A storage by its persistent id. */
  storage(key: string, count: number, type = 'FloatStorage', more: Piece[] = []): Piece {
    const id = [
      py.text('storage'),
      py.global('torch', type),
      py.text(key),
      py.text('cpu'),
      py.integer(count),
    ];
    return py.persistent(py.tuple([...id, ...more]));
  },
};

/** The pickle of one value. */
export function pickleOf(value: Piece, protocol = 2): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes(0x80, protocol, value, '.'));
}
