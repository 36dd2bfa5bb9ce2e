// Reading and writing safetensors: every kind of source, every way a file can be wrong, and files that the
// Python package (safetensors 0.8.0) wrote.

import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { WeightError } from '../src/errors';
import { toFloat16 } from '../src/weights/float16';
import {
  type ByteSource,
  PIECE_BYTES,
  type Progress,
  type ReadOptions,
  readSafetensors,
  type SafetensorsHeader,
  type TensorInfo,
  toFloat32,
  type WeightSource,
} from '../src/weights/safetensors';
import { type TensorData, writeSafetensors } from '../src/weights/write_safetensors';

interface Piece {
  tensor: TensorInfo;
  offset: number;
  bytes: Uint8Array;
}

interface Contents {
  header: SafetensorsHeader;
  pieces: Piece[];
  tensors: Map<string, Uint8Array>;
}

/** Reads everything, and checks the visitor's contract on the way: header first, pieces in order and size. */
async function readAll(source: WeightSource, options?: ReadOptions): Promise<Contents> {
  const seen: SafetensorsHeader[] = [];
  const pieces: Piece[] = [];
  const tensors = new Map<string, Uint8Array>();
  const header = await readSafetensors(
    source,
    {
      header: (header) => {
        seen.push(header);
        for (const { name, begin, end } of header.tensors) tensors.set(name, new Uint8Array(end - begin));
      },
      data: async (tensor, offset, bytes) => {
        const copy = new Uint8Array(bytes);
        await Promise.resolve();
        expect(Buffer.compare(bytes, copy)).toBe(0); // not overwritten while we are at it
        pieces.push({ tensor, offset, bytes: copy });
        tensors.get(tensor.name)!.set(copy, offset);
      },
    },
    options,
  );
  expect(seen).toEqual([header]);
  const wanted = header.tensors.flatMap(({ name, begin, end }) =>
    Array.from({ length: Math.ceil((end - begin) / PIECE_BYTES) }, (_, i) => [
      name,
      i * PIECE_BYTES,
      Math.min(PIECE_BYTES, end - begin - i * PIECE_BYTES),
    ]),
  );
  expect(pieces.map(({ tensor, offset, bytes }) => [tensor.name, offset, bytes.length])).toEqual(wanted);
  return { header, pieces, tensors };
}

/** A file with this header, text or JSON, and data: whatever they are. */
function rawFile(header: unknown, data: Uint8Array | number = 0): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(text.length), true);
  const rest = typeof data === 'number' ? new Uint8Array(data) : data;
  return new Uint8Array(Buffer.concat([new Uint8Array(length.buffer), text, rest]));
}

function chunked(chunks: Iterable<Uint8Array>, size?: number): ByteSource {
  return {
    name: 'chunks',
    size,
    async *read() {
      yield* chunks;
    },
  };
}

/** `bytes` cut at these places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const ends = [...places.filter((place) => place <= bytes.length).sort((a, b) => a - b), bytes.length];
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

function numbers(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i) * 10 ** ((i % 9) - 4));
}

function bytesOf(data: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

const TENSORS: TensorData[] = [
  { name: 'b.weight', dtype: 'F32', shape: [3, 5, 7], data: numbers(105) },
  { name: 'a.bias', dtype: 'F32', shape: [], data: numbers(1) },
  { name: 'half', dtype: 'F16', shape: [5], data: numbers(5) },
  { name: 'brain', dtype: 'BF16', shape: [3], data: new Uint8Array([128, 63, 0, 192, 96, 64]) },
  { name: 'empty', dtype: 'F32', shape: [4, 0], data: new Float32Array(0) },
];
const METADATA = { format: 'pt', ключ: 'значение' };
const FILE = writeSafetensors(TENSORS, METADATA);

function expectContents({ header, tensors }: Contents): void {
  expect(header.metadata).toEqual(METADATA);
  expect(header.dataBytes).toBe(4 * 106 + 2 * 8);
  expect(header.tensors.map(({ name }) => name)).toEqual(['a.bias', 'b.weight', 'empty', 'brain', 'half']);
  expect(header.tensors[1]).toEqual({ name: 'b.weight', dtype: 'F32', shape: [3, 5, 7], begin: 4, end: 424 });
  expect(tensors.get('b.weight')).toEqual(bytesOf(numbers(105)));
  expect(tensors.get('a.bias')).toEqual(bytesOf(numbers(1)));
  expect(tensors.get('half')).toEqual(bytesOf(toFloat16(numbers(5))));
  expect(tensors.get('brain')).toEqual(TENSORS[3]!.data);
  expect(tensors.get('empty')).toEqual(new Uint8Array(0));
}

describe('sources', () => {
  let server: Server | undefined;

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.safetensors`;
  }

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
    server = undefined;
  });

  const offset = new Uint8Array(FILE.length + 3);
  offset.set(FILE, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(FILE.length));
  shared.set(FILE);
  const inMemory: [string, () => WeightSource][] = [
    ['ArrayBuffer', () => FILE.buffer],
    ['Uint8Array at an odd offset', () => offset.subarray(3)],
    ['DataView', () => new DataView(offset.buffer, 3)],
    ['Node Buffer', () => Buffer.from(FILE)],
    ['shared memory', () => shared],
    ['Blob', () => new Blob([FILE])],
    ['Response', () => new Response(FILE)],
    ['Response of a stream', () => new Response(new Blob([FILE]).stream())],
    ['ByteSource', () => chunked([FILE], FILE.length)],
    ['ByteSource of unknown size', () => chunked([FILE])],
  ];
  it.each(inMemory)('reads %s', async (_, source) => {
    const progress: unknown[] = [];
    expectContents(await readAll(source(), { onProgress: (p) => progress.push(p) }));
    expect(progress.at(-1)).toMatchObject({ loaded: FILE.length });
  });

  const addresses: [string, (url: string) => WeightSource][] = [
    ['string', (url) => url],
    ['URL', (url) => new URL(url)],
    ['Request', (url) => new Request(url, { headers: { 'x-asked': 'yes' } })],
  ];
  it.each(addresses)('fetches a %s, and knows the total from the start', async (kind, source) => {
    let asked: unknown;
    let goOn = () => {};
    const url = await serve((request, response) => {
      asked = request.headers['x-asked'];
      response.setHeader('content-length', FILE.length);
      response.write(FILE.subarray(0, 20));
      goOn = () => response.end(FILE.subarray(20)); // when these have arrived
    });
    const progress: unknown[] = [];
    const onProgress = (now: Progress) => {
      if (progress.push(now) === 1) goOn();
    };
    expectContents(await readAll(source(url), { onProgress }));
    expect(asked).toBe(kind === 'Request' ? 'yes' : undefined);
    expect(progress[0]).toEqual({ loaded: 20, total: FILE.length });
    expect(progress.at(-1)).toEqual({ loaded: FILE.length, total: FILE.length });
  });

  it('fetches without Content-Length, and knows the total from the header', async () => {
    const chunks = cut(FILE, [3, 50, FILE.length - 9]);
    let next = () => {};
    const url = await serve((_, response) => {
      next = () => {
        const chunk = chunks.shift();
        if (chunk) response.write(chunk);
        else response.end();
      };
      next();
    });
    const progress: Progress[] = [];
    const onProgress = (now: Progress) => {
      progress.push(now);
      next();
    };
    expectContents(await readAll(url, { onProgress }));
    expect(progress[0]).toEqual({ loaded: 3, total: undefined });
    expect(progress.at(-1)).toEqual({ loaded: FILE.length, total: FILE.length });
  });

  it('does not take the length of a compressed body for the size of the file', async () => {
    const { gzipSync } = await import('node:zlib');
    const url = await serve((_, response) => {
      const body = gzipSync(FILE);
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
    });
    expectContents(await readAll(url));
  });

  it('says address and status when the server refuses', async () => {
    const url = await serve((_, response) => response.writeHead(404).end('no'));
    await expect(readAll(url)).rejects.toThrow(
      new WeightError(`${url}: wanted HTTP status 200 to 299, got 404 Not Found; check the address`),
    );
    await expect(readAll(await fetch(url))).rejects.toThrow(`${url}: wanted HTTP status 200 to 299, got 404`);
  });

  it('says so when there is no server', async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => server!.close(resolve));
    const error = await readAll(url).catch((error) => error);
    expect(error).toBeInstanceOf(WeightError);
    expect(error.message).toMatch(
      /^http:.*: no answer: fetch failed \(.*ECONNREFUSED.*\); check the address/,
    );
    await expect(readAll('weights.safetensors')).rejects.toThrow(/^weights.safetensors: no answer: /);
  });

  it('says so when the connection breaks', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-length', FILE.length);
      response.write(FILE.subarray(0, 100), () => setTimeout(() => response.destroy(), 20));
    });
    const error = await readAll(url).catch((error) => error);
    expect(error).toBeInstanceOf(WeightError);
    expect(error.message).toMatch(/: reading stopped after 100 bytes: /);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('finds an HTML page, and an early size by Content-Length', async () => {
    const page = await serve((_, response) => response.end('<!doctype html><title>Sign in</title>'));
    await expect(readAll(page)).rejects.toThrow('this looks like an HTML page: check the address');
    server!.close();
    let headers = 0;
    const short = await serve((_, response) => response.end(FILE.subarray(0, FILE.length - 1)));
    const visitor = { header: () => void headers++, data: () => {} };
    await expect(readSafetensors(short, visitor)).rejects.toThrow('it is truncated, fetch it again');
    expect(headers).toBe(0);
  });

  it.each(['options', 'Request', 'Request beside one of options'])(
    'aborts midway by the signal of %s, and lets go of the connection',
    async (by) => {
      let closed: () => void;
      const whenClosed = new Promise<void>((resolve) => (closed = resolve));
      const url = await serve((_, response) => {
        response.setHeader('content-length', FILE.length);
        response.write(FILE.subarray(0, FILE.length - 4)); // and no more
        response.on('close', () => closed());
      });
      const controller = new AbortController();
      const reason = new Error('enough');
      const onProgress = () => setTimeout(() => controller.abort(reason), 20);
      const { signal } = controller;
      const reading =
        by === 'options'
          ? readAll(url, { onProgress, signal })
          : readAll(new Request(url, { signal }), {
              onProgress,
              signal: by === 'Request' ? undefined : new AbortController().signal,
            });
      await expect(reading).rejects.toBe(reason);
      await whenClosed;
    },
  );

  it('aborts before the answer comes', async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort('too slow'));
    await expect(readAll(url, { signal: controller.signal })).rejects.toBe('too slow');
  });

  it('wants a source', async () => {
    await expect(readAll(42 as never)).rejects.toThrow(/^weights: wanted a URL, .* or ByteSource, got 42$/);
    await expect(readAll({} as never)).rejects.toThrow(/, got Object$/);
    await expect(readAll(null as never)).rejects.toThrow(/, got null$/);
    await expect(readAll(chunked(['text' as never]))).rejects.toThrow(
      'wanted chunks of Uint8Array, got text',
    );
    const used = new Response(FILE);
    await used.text();
    await expect(readAll(used)).rejects.toThrow('response: wanted an unread Response, got one already read');
  });
});

describe('streaming', () => {
  it('gives the same bytes however the file is cut', async () => {
    const place = fc.nat({ max: FILE.length });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 40 }), async (places) => {
        expectContents(await readAll(chunked(cut(FILE, places))));
      }),
      { numRuns: 300 },
    );
    expectContents(await readAll(chunked(cut(FILE, [...FILE.keys()])))); // byte by byte
  });

  it('gives pieces of PIECE_BYTES and the rest, also from a chunk that is used again', async () => {
    const data = new Uint8Array(2 * PIECE_BYTES + 6);
    for (let i = 0; i < data.length; i++) data[i] = (i * 2654435761) >>> 24;
    const odd: TensorData = { name: 'odd', dtype: 'F16', shape: [3], data: data.slice(0, 6) };
    const large: TensorData = { name: 'z.large', dtype: 'F16', shape: [PIECE_BYTES + 3], data };
    const file = writeSafetensors([odd, large]);
    const chunk = new Uint8Array(1_000_003);
    const source: ByteSource = {
      name: 'one buffer',
      async *read() {
        for (let at = 0; at < file.length; at += chunk.length) {
          const part = file.subarray(at, at + chunk.length);
          chunk.fill(0xee).set(part);
          yield chunk.subarray(0, part.length);
        }
      },
    };
    for (const each of [source, file, new Blob([file])]) {
      const { pieces, tensors } = await readAll(each);
      expect(pieces.map(({ bytes }) => bytes.length)).toEqual([6, PIECE_BYTES, PIECE_BYTES, 6]);
      expect(Buffer.compare(tensors.get('z.large')!, data)).toBe(0);
      expect(tensors.get('odd')).toEqual(odd.data);
    }
  });

  it('asks for no more than the visitor has taken, and holds no file', async () => {
    const chunk = new Uint8Array(1 << 20);
    const total = 40 * chunk.length;
    const head = rawFile({ t: { dtype: 'F32', shape: [total / 4], data_offsets: [0, total] } });
    let sent = 0;
    let taken = 0;
    let ahead = 0;
    const source: ByteSource = {
      name: 'lazy',
      async *read() {
        yield head;
        while (sent < total) {
          sent += chunk.length;
          ahead = Math.max(ahead, sent - taken);
          yield chunk;
        }
      },
    };
    const data = async (_: TensorInfo, __: number, bytes: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(sent - taken).toBe(PIECE_BYTES);
      taken += bytes.length;
    };
    await readSafetensors(source, { header: () => {}, data });
    expect(taken).toBe(total);
    expect(ahead).toBe(PIECE_BYTES);
  });

  it('passes on what the visitor throws, and closes the source', async () => {
    let closed = 0;
    const source: ByteSource = {
      name: 'closing',
      async *read() {
        try {
          yield* cut(FILE, [9, 500]);
        } finally {
          closed++;
        }
      },
    };
    const fault = new RangeError('GPU memory');
    const fail = () => Promise.reject(fault);
    const failNow = () => {
      throw fault;
    };
    await expect(readSafetensors(source, { header: () => {}, data: fail })).rejects.toBe(fault);
    await expect(readSafetensors(source, { header: failNow, data: fail })).rejects.toBe(fault);
    await readAll(source);
    expect(closed).toBe(3);
  });

  it('tells at what byte a source broke', async () => {
    const broken: ByteSource = {
      name: 'disk',
      async *read() {
        yield FILE.subarray(0, 10);
        throw new Error('EIO');
      },
    };
    await expect(readAll(broken)).rejects.toThrow(
      new WeightError('disk: reading stopped after 10 bytes: EIO'),
    );
  });

  it('aborts a source that hangs, a visitor that hangs, and before it starts', async () => {
    const reason = { enough: true };
    const hanging: ByteSource = {
      name: 'hanging',
      async *read() {
        yield FILE.subarray(0, 10);
        await new Promise(() => {});
      },
    };
    const later = () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 10);
      return controller.signal;
    };
    const never = () => new Promise<void>(() => {});
    await expect(readAll(hanging, { signal: later() })).rejects.toBe(reason);
    const visitor = { header: () => {}, data: never };
    await expect(readSafetensors(FILE, visitor, { signal: later() })).rejects.toBe(reason);
    const unread = chunked([]);
    unread.read = () => expect.unreachable();
    await expect(readAll(unread, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('aborts the stream of a Response that hangs, and by onProgress', async () => {
    let cancelled: unknown;
    const hanging = new ReadableStream({
      start: (controller) => controller.enqueue(FILE.subarray(0, 10)),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort('late'), 10);
    await expect(readAll(new Response(hanging), { signal: controller.signal })).rejects.toBe('late');
    expect(cancelled).toBe('late');

    const now = new AbortController();
    const visitor = { header: () => expect.unreachable('visited'), data: () => {} };
    const onProgress = () => now.abort('at once');
    await expect(readSafetensors(FILE, visitor, { onProgress, signal: now.signal })).rejects.toBe('at once');
  });

  it('puts an empty tensor before the one that starts where it does', async () => {
    const full = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    const empty = { dtype: 'F32', shape: [0], data_offsets: [0, 0] };
    const { header } = await readAll(rawFile({ full, empty }, 4));
    expect(header.tensors.map(({ name }) => name)).toEqual(['empty', 'full']);
  });

  it('skips counters of batches, without a hole', async () => {
    const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    const counter = { dtype: 'I64', shape: [], data_offsets: [4, 12] };
    const two = { dtype: 'F32', shape: [1], data_offsets: [12, 16] };
    const data = Uint8Array.from({ length: 16 }, (_, i) => i);
    const file = rawFile({ two, 'bn.num_batches_tracked': counter, one }, data);
    const { header, tensors } = await readAll(file);
    expect(header.tensors.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(header.dataBytes).toBe(16);
    expect(tensors.get('two')).toEqual(data.subarray(12));
  });

  it('takes names that mean something to JavaScript as names', async () => {
    const text = `{"__metadata__":{"__proto__":"a","constructor":"b"},
      "__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]},
      "toString":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`;
    const { header, tensors } = await readAll(rawFile(text, 8));
    expect([...tensors.keys()]).toEqual(['__proto__', 'toString']);
    expect(Object.entries(header.metadata)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    const inherited = '{"t":{"__proto__":{"dtype":"F32"},"shape":[],"data_offsets":[0,4]}}';
    await expect(readAll(rawFile(inherited, 4))).rejects.toThrow('got undefined');
  });

  it('reads a file without tensors', async () => {
    const { header } = await readAll(rawFile('{}  '));
    expect(header).toEqual({ metadata: {}, tensors: [], dataBytes: 0 });
  });
});

describe('malformed files', () => {
  const t = (fields: object) => ({ t: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } });
  const lengthOnly = (length: bigint) => new Uint8Array(new BigUint64Array([length]).buffer);
  const text = (content: string) => new TextEncoder().encode(content);
  const pickle = new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]);
  const deep = `{"t":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;

  const cases: [string, Uint8Array, string | RegExp][] = [
    [
      'empty',
      new Uint8Array(0),
      'wanted 8 bytes of header length, got a file of 0 bytes; is it a .safetensors file?',
    ],
    ['7 bytes', new Uint8Array(7), 'wanted 8 bytes of header length, got a file of 7 bytes; is it a'],
    [
      'length 0',
      new Uint8Array(9),
      'wanted a header of 1 to 4194304 bytes, got one of 0; is it a .safetensors file?',
    ],
    [
      'length > 4 MB',
      lengthOnly(100_000_001n),
      'wanted a header of 1 to 4194304 bytes, got one of 100000001; is',
    ],
    [
      'length 2^64 - 1',
      lengthOnly(2n ** 64n - 1n),
      /got one of 18446744073709552000; is it a .safetensors file\?$/,
    ],
    [
      'length > file',
      lengthOnly(3n),
      /: wanted 11 bytes by its header, got only 8; it is truncated, fetch it again$/,
    ],
    ['HTML', text('<!DOCTYPE html>'), /; this looks like an HTML page: check the address$/],
    ['HTML after white space', text('\ufeff\n <html lang="en">'), 'this looks like an HTML page'],
    [
      'zip',
      text('PK\x03\x04\0\0\x08\x08\0\0'),
      /; this looks like a PyTorch .pth file \(zip\): readWeights reads it/,
    ],
    ['pickle', pickle, /; this looks like a PyTorch .pth file \(pickle\): readWeights reads it$/],
    ['LFS', text('version https://git-lfs.github.com/spec/v1'), 'this looks like a Git LFS pointer'],
    ['JSON', text('{"metadata": {"total_size": 1}}'), 'this looks like JSON: if it is an index'],
    [
      'not UTF-8',
      rawFile('{"\u00ff').map((b) => (b === 0xc3 ? 0xff : b)),
      'wanted a header in UTF-8, got bytes that',
    ],
    [
      'BOM',
      rawFile('\ufeff{}'),
      'wanted a header that is a JSON object, got "\ufeff{}"; the file is damaged',
    ],
    ['array', rawFile([]), 'wanted a header that is a JSON object, got "[]"; the file is damaged or no'],
    ['leading space', rawFile(' {}'), 'wanted a header that is a JSON object, got " {}"'],
    [
      'not JSON',
      rawFile('{"a":}'),
      /wanted a header in JSON, got a fault: .+; the file is damaged or no safetensors/,
    ],
    ['JSON and more', rawFile('{}\0'), /wanted a header in JSON, got a fault: /],
    ['metadata array', rawFile({ __metadata__: ['a'] }), 'wanted an object as __metadata__, got ["a"]'],
    ['metadata null', rawFile({ __metadata__: null }), 'wanted an object as __metadata__, got null'],
    [
      'metadata number',
      rawFile({ __metadata__: { a: 'b', n: 1 } }),
      'wanted a string as __metadata__ "n", got 1',
    ],
    ['tensor null', rawFile({ t: null }), 'tensor "t": wanted an object, got null'],
    ['tensor array', rawFile({ t: [1, {}] }), 'tensor "t": wanted an object, got [1, an object]'],
    ['tensor deep array', rawFile(deep), 'tensor "t": wanted an object, got [an array]'],
    [
      'I32',
      rawFile(t({ dtype: 'I32' }), 8),
      /"t": wanted dtype F64, F32, F16, BF16, I8, U8, got "I32"; convert the tensor to one/,
    ],
    ['I64', rawFile(t({ dtype: 'I64' }), 8), /wanted dtype F64, F32, F16, BF16, I8, U8, got "I64"; convert/],
    ['BOOL', rawFile(t({ dtype: 'BOOL' }), 8), /I8, U8, got "BOOL"; convert/],
    [
      'dtype unknown',
      rawFile(t({ dtype: 'f32' }), 8),
      'wanted dtype F64, F32, F16, BF16, I8, U8, got "f32"; no such dtype is known',
    ],
    ['dtype of prototype', rawFile(t({ dtype: 'toString' }), 8), 'got "toString"; no such dtype is known'],
    ['dtype missing', rawFile(t({ dtype: undefined }), 8), 'got undefined; no such dtype is known'],
    [
      'counter that is no scalar',
      rawFile({ 'a.num_batches_tracked': { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8),
      'tensor "a.num_batches_tracked": wanted dtype F64, F32, F16, BF16, I8, U8, got "I64"',
    ],
    [
      'shape missing',
      rawFile(t({ shape: undefined }), 8),
      '"t": wanted a shape of integers >= 0, got undefined',
    ],
    ['shape negative', rawFile(t({ shape: [-1, -2] }), 8), 'wanted a shape of integers >= 0, got [-1, -2]'],
    ['shape fraction', rawFile(t({ shape: [0.5, 4] }), 8), 'wanted a shape of integers >= 0, got [0.5, 4]'],
    ['shape string', rawFile(t({ shape: ['2'] }), 8), 'wanted a shape of integers >= 0, got ["2"]'],
    [
      'shape > 2^53',
      rawFile(t({ shape: [2 ** 53] }), 8),
      'wanted a shape of integers >= 0, got [9007199254740992]',
    ],
    ['shape long', rawFile(t({ shape: Array(999).fill(-1) }), 8), /got \[-1, [-1, ]{75}…$/],
    [
      'product > 2^53',
      rawFile(t({ shape: [2 ** 27, 2 ** 26] }), 8),
      /"t": wanted less than 2\^53 bytes, got shape \[134/,
    ],
    [
      'product wraps to 8',
      rawFile(t({ shape: [2 ** 32 + 2, 2 ** 32] }), 8),
      'wanted less than 2^53 bytes, got shape',
    ],
    [
      'offsets missing',
      rawFile(t({ data_offsets: null }), 8),
      'wanted data_offsets [begin, end], 0 <= begin <= end, got null',
    ],
    [
      'offsets of 3',
      rawFile(t({ data_offsets: [0, 8, 8] }), 8),
      'wanted data_offsets [begin, end], 0 <= begin <= end, got [0, 8, 8]',
    ],
    ['offsets backward', rawFile(t({ data_offsets: [8, 0] }), 8), '0 <= begin <= end, got [8, 0]'],
    ['offsets negative', rawFile(t({ data_offsets: [-8, 0] }), 8), '0 <= begin <= end, got [-8, 0]'],
    ['offsets fraction', rawFile(t({ data_offsets: [0.5, 8.5] }), 8), '0 <= begin <= end, got [0.5, 8.5]'],
    [
      'offsets unsafe',
      rawFile(t({ data_offsets: [0, 2 ** 53] }), 8),
      '0 <= begin <= end, got [0, 9007199254740992]',
    ],
    [
      'too few bytes',
      rawFile(t({ data_offsets: [0, 4] }), 4),
      'tensor "t": wanted 8 bytes for F32 [2], got 4 by data_offsets [0, 4]',
    ],
    [
      'too many bytes',
      rawFile(t({ dtype: 'F16' }), 8),
      'tensor "t": wanted 4 bytes for F16 [2], got 8 by data_offsets [0, 8]',
    ],
    [
      'overlap',
      rawFile({ ...t({}), u: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, 8),
      ': wanted tensor "u" at byte 8, after "t", got an overlap: it begins at 4',
    ],
    [
      'hole',
      rawFile({ ...t({}), u: { dtype: 'F32', shape: [1], data_offsets: [12, 16] } }, 16),
      ': wanted tensor "u" at byte 8, after "t", got a hole: it begins at 12',
    ],
    [
      'hole before the first',
      rawFile(t({ data_offsets: [4, 12] }), 12),
      ': wanted tensor "t" at byte 0, after the start of the data, got a hole: it begins at 4',
    ],
    [
      'truncated',
      rawFile(t({}), 7),
      /: wanted 70 bytes by its header, got only 69; it is truncated, fetch it again$/,
    ],
    ['no data', rawFile(t({})), /: wanted 70 bytes by its header, got only 62; it is truncated/],
    [
      'trailing byte',
      rawFile(t({}), 9),
      /: wanted 70 bytes by its header, got 71.*; the last of them belong to no tensor$/,
    ],
    ['long name', rawFile({ ['n'.repeat(1000)]: 1 }), /^\w+: tensor "n{79}…: wanted an object, got 1$/],
  ];

  it.each(cases)('refuses: %s', async (_, bytes, message) => {
    const visitor = {
      header: () => expect.unreachable('visited'),
      data: () => expect.unreachable('visited'),
    };
    const error = await readSafetensors(bytes, visitor).catch((error) => error);
    expect(error).toBeInstanceOf(WeightError);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith('buffer: ')).toBe(true);
    expect(error.message.length).toBeLessThan(300);
    // The same without knowing the size: what follows the header is then found out on the way.
    const streamed = await readAll(chunked(cut(bytes, [1, 8, 9]))).catch((error) => error);
    expect(streamed).toBeInstanceOf(WeightError);
    expect(streamed.message.replace('chunks', 'buffer')).toMatch(message);
  });

  it('says that there may be more bytes when it stopped at the first too many', async () => {
    const file = rawFile(t({}), 20);
    const wanted = 'wanted 70 bytes by its header, got';
    await expect(readAll(file)).rejects.toThrow(`buffer: ${wanted} 82; the last`);
    await expect(readAll(chunked([file.subarray(0, 71), file.subarray(71)]))).rejects.toThrow(
      `chunks: ${wanted} 71 or more; the last`,
    );
  });

  it('either reads a damaged file or throws WeightError', async () => {
    const damage = fc.record({
      flips: fc.array(fc.tuple(fc.nat(FILE.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
      headFlips: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
      length: fc.option(fc.nat(FILE.length + 8), { nil: FILE.length }),
      places: fc.array(fc.nat(FILE.length), { maxLength: 4 }),
      sized: fc.boolean(),
    });
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damage, async ({ flips, headFlips, length, places, sized }) => {
        const bytes = new Uint8Array(length);
        bytes.set(FILE.subarray(0, length));
        for (const [at, flip] of [...flips, ...headFlips]) if (at < length) bytes[at]! ^= flip;
        const outcome = await readAll(chunked(cut(bytes, places), sized ? length : undefined)).catch(
          (e) => e,
        );
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(WeightError);
          outcomes.refused++;
        } else outcomes.read++;
      }),
      { numRuns: 2000 },
    );
    expect(outcomes.read).toBeGreaterThan(20); // the fuzz reaches both ends
    expect(outcomes.refused).toBeGreaterThan(200);
  });

  it('either reads a header of odd values or throws WeightError', async () => {
    const count = fc.oneof(fc.nat(8), fc.constantFrom<unknown>(-1, 0.5, 2 ** 53, 1e300, '1', null, [], {}));
    const entry = fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record(
          {
            dtype: fc.oneof(fc.constantFrom('F32', 'F16', 'BF16', 'I64', 'F64'), fc.jsonValue()),
            shape: fc.oneof(fc.array(count, { maxLength: 3 }), fc.jsonValue()),
            data_offsets: fc.oneof(fc.tuple(count, count), fc.jsonValue()),
          },
          { requiredKeys: [] },
        ),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const name = fc.oneof(
      fc.constantFrom('t', '__metadata__', '__proto__', 'b.num_batches_tracked'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, entry as fc.Arbitrary<unknown>),
        fc.nat(64),
        async (header, length) => {
          const outcome = await readAll(rawFile(header, length)).catch((e) => e);
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(WeightError);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('float formats', () => {
  /** The value of binary16 bits, by the definition: IEEE 754-2019, 3.4. */
  function valueOfHalf(half: number): number {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * 2 ** -24 * fraction;
    return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
  }
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it('F16: all 65536 values, and back to the same bits', () => {
    const floats = toFloat32('F16', bytesOf(halves));
    const wrong = [...halves].filter((half) => !Object.is(floats[half], valueOfHalf(half)));
    expect(wrong).toEqual([]);
    expect(toFloat16(floats)).toEqual(halves);
  });

  it('BF16: all 65536 values are the upper halves of F32', () => {
    const bits = new Uint32Array(toFloat32('BF16', bytesOf(halves)).buffer);
    expect([...bits].every((bit, i) => bit === i * 65536)).toBe(true);
    expect([...toFloat32('BF16', new Uint8Array([0x80, 0x3f, 0, 0xc0]))]).toEqual([1, -2]);
  });

  it('F32: subnormals, infinities, signed zeros and NaN payloads', () => {
    const bits = new Uint32Array([
      0, 0x80000000, 1, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff,
    ]);
    const floats = toFloat32('F32', new Uint8Array(bits.buffer));
    expect(new Uint32Array(floats.buffer)).toEqual(bits);
    expect([...floats.subarray(0, 5)]).toEqual([0, -0, 2 ** -149, Infinity, -Infinity]);
  });

  it('reads from any address, into an array of its own', () => {
    const floats = numbers(9);
    for (let at = 0; at < 4; at++) {
      const bytes = Buffer.alloc(40);
      bytes.set(bytesOf(floats), at);
      const view = bytes.subarray(at, at + 36);
      const got = toFloat32('F32', view);
      view.fill(0);
      expect(got).toEqual(floats);
      expect(toFloat32('F16', view).length).toBe(18);
    }
  });

  it('F16: rounds to nearest, ties to even', () => {
    const step = 2 ** -24;
    const pairs: [number, number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
      [65519.99, 65504],
      [65520, Infinity],
      [-1e30, -Infinity],
      [step / 2, 0],
      [step * 0.5000001, step],
      [-step / 4, -0],
      [step * 1.5, step * 2],
      [step * 2.5, step * 2],
      [2 ** -14 - step / 2, 2 ** -14],
      [1e-45, 0],
    ];
    for (const [value, wanted] of pairs) {
      const half = toFloat16(new Float32Array([value]))[0]!;
      expect([value, valueOfHalf(half)]).toEqual([value, wanted]);
    }
    const [quiet, low] = toFloat16(toFloat32('F32', new Uint8Array([0, 0, 0xc0, 0x7f, 1, 0, 0x80, 0xff])));
    expect([quiet, low]).toEqual([0x7e00, 0xfe00]); // a payload that does not fit leaves a NaN
  });

  it('F16: any float goes to the nearest half', () => {
    const finite = [...halves].map(valueOfHalf).filter((value) => Number.isFinite(value) && value >= 0);
    fc.assert(
      fc.property(fc.float({ min: 0, max: 65504, noNaN: true }), (value) => {
        const got = valueOfHalf(toFloat16(new Float32Array([value]))[0]!);
        const nearest = Math.min(...finite.map((half) => Math.abs(half - value)));
        expect(Math.abs(got - value)).toBe(nearest);
      }),
      { numRuns: 60 },
    );
  });

  it('wants whole elements', () => {
    const message = 'toFloat32: wanted a multiple of 4 bytes of F32, got 6 bytes';
    expect(() => toFloat32('F32', new Uint8Array(6))).toThrow(new WeightError(message));
    expect(() => toFloat32('BF16', new Uint8Array(1))).toThrow(
      'wanted a multiple of 2 bytes of BF16, got 1 bytes',
    );
  });
});

describe('writing, and the Python package', () => {
  // safetensors.serialize(..., metadata={'format': 'pt'}) of float32 [2, 3] = -0.5, -0.25 ... 0.75; a scalar 7;
  // an empty tensor; bfloat16 1, -2, 3.5; float16 1, -0, infinity, 6e-8, 65504.
  const PYTHON =
    'UAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJhLmJpYXMiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sImRhdGFf' +
    'b2Zmc2V0cyI6WzAsNF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCw0XSwiZGF0YV9vZmZzZXRzIjpbNCw0XX0sIsOpLndl' +
    'aWdodCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbNCwyOF19LCJicmFpbiI6eyJkdHlwZSI6IkJGMTYi' +
    'LCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOlsyOCwzNF19LCJoZWFkLmhhbGYiOnsiZHR5cGUiOiJGMTYiLCJzaGFwZSI6WzVdLCJkYXRh' +
    'X29mZnNldHMiOlszNCw0NF19fSAAAOBAAAAAvwAAgL4AAAAAAACAPgAAAD8AAEA/gD8AwGBAADwAgAB8AQD/ew==';
  const values: Record<string, number[]> = {
    'a.bias': [7],
    empty: [],
    'é.weight': [-0.5, -0.25, 0, 0.25, 0.5, 0.75],
    brain: [1, -2, 3.5],
    'head.half': [1, -0, Infinity, 2 ** -24, 65504],
  };

  it('reads what Python wrote', async () => {
    const { header, tensors } = await readAll(Buffer.from(PYTHON, 'base64'));
    const read = header.tensors.map(({ name, dtype }) => [name, [...toFloat32(dtype, tensors.get(name)!)]]);
    expect(read).toEqual(Object.entries(values));
    expect(header.metadata).toEqual({ format: 'pt' });
  });

  it('writes the same bytes as Python, whatever the order given', () => {
    const floats = (name: string) => new Float32Array(values[name]!);
    const tensors: TensorData[] = [
      { name: 'head.half', dtype: 'F16', shape: [5], data: floats('head.half') },
      { name: 'é.weight', dtype: 'F32', shape: [2, 3], data: floats('é.weight') },
      { name: 'brain', dtype: 'BF16', shape: [3], data: new Uint8Array([0x80, 0x3f, 0, 0xc0, 0x60, 0x40]) },
      { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Uint8Array(0) },
      { name: 'a.bias', dtype: 'F32', shape: [], data: floats('a.bias') },
    ];
    for (const order of [tensors, tensors.toReversed()]) {
      expect(Buffer.from(writeSafetensors(order, { format: 'pt' })).toString('base64')).toBe(PYTHON);
    }
  });

  it('reads a file of PyTorch weights, and writes it again to the byte', async () => {
    const file = readFileSync(new URL('golden/calibration.safetensors', import.meta.url));
    const { header, tensors } = await readAll(file);
    expect(header.tensors.length).toBeGreaterThan(100);
    const data = header.tensors.map((tensor) => ({ ...tensor, data: tensors.get(tensor.name)! }));
    expect(Buffer.compare(writeSafetensors(data, header.metadata), file)).toBe(0);
  });

  it('reads back whatever it wrote', async () => {
    const shape = fc.array(fc.nat(4), { maxLength: 4 });
    const tensor = fc.record({
      name: fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const),
      shape,
    });
    const names = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(names, fc.dictionary(fc.string(), fc.string()), async (list, metadata) => {
        const full = list.map(({ name, dtype, shape }, i) => {
          const count = shape.reduce((product, extent) => product * extent, 1);
          const data = new Uint8Array(count * (dtype === 'F32' ? 4 : 2)).fill(i + 1);
          return { name, dtype, shape, data };
        });
        const file = writeSafetensors(full, metadata);
        expect((new DataView(file.buffer).getUint32(0, true) + 8) % 8).toBe(0);
        const { header, tensors } = await readAll(file);
        expect({ ...header.metadata }).toEqual({ ...metadata });
        expect(tensors.size).toBe(full.length);
        for (const { name, dtype, shape, data } of full) {
          expect(header.tensors.find((tensor) => tensor.name === name)).toMatchObject({ dtype, shape });
          expect(tensors.get(name)).toEqual(data);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what cannot be written', () => {
    const one: TensorData = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) };
    const write = (...tensors: Partial<TensorData>[]) =>
      writeSafetensors(tensors.map((tensor) => ({ ...one, ...tensor })));
    expect(() => write({}, {})).toThrow(
      new WeightError('writeSafetensors: wanted tensors of different names, got "a" again'),
    );
    expect(() => write({ name: '__metadata__' })).toThrow('got "__metadata__" again');
    expect(() => write({ shape: [2] })).toThrow('a: wanted 8 bytes for F32 [2], got 4');
    expect(() => write({ dtype: 'BF16' })).toThrow('a: wanted BF16 as bytes, got a Float32Array');
  });
});
