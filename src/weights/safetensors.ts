// Reads safetensors files as they arrive: the header first, all of it checked, then each tensor in pieces. All other
// formats hand their tensors over to the same visitor (read_weights.ts).
// Format (huggingface/safetensors, README "Format"):
//
//   8 bytes    N, the header's length, an unsigned little-endian integer
//   N bytes    JSON, UTF-8: { name: { dtype, shape, data_offsets: [begin, end] }, ... }, and __metadata__, which
//              maps strings to strings; padded with spaces
//   the rest   the tensors' elements, little-endian, row-major, without overlap, hole or remainder

import { WeightError } from '../errors';
import { ByteReader, untilAborted } from './byte_reader';
import { openSource, type Progress, type WeightSource } from './byte_source';
import {
  type HeaderEntry,
  isTensor,
  parseHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from './safetensors_header';

export type { ByteSource, Progress, WeightSource } from './byte_source';
export { type SafetensorsDtype, toFloat32 } from './float16';
export type { SafetensorsHeader, TensorInfo } from './safetensors_header';

/** Takes in a file. Reading goes on when what these return has settled. */
export interface SafetensorsVisitor {
  /** Called once, before any data. */
  header(header: SafetensorsHeader): void | Promise<void>;
  /**
   * Called with consecutive pieces of one tensor, `offset` bytes from its start: PIECE_BYTES each, but for the
   * last, which holds what is left. An empty tensor has none. `bytes` may be memory of the source, not to be
   * written to, and is overwritten after this returns, or after its promise settles.
   */
  data(tensor: TensorInfo, offset: number, bytes: Uint8Array): void | Promise<void>;
}

export interface ReadOptions {
  /** Called for each chunk that arrives; the total is known once the header is, if not before. */
  onProgress?: (progress: Progress) => void;
  /** Stops the reading, at any time. */
  signal?: AbortSignal;
}

/** Bytes in a piece; a multiple of 4, as GPUQueue.writeBuffer wants. */
export const PIECE_BYTES = 1 << 20;

const LENGTH_BYTES = 8; // of the number in front of the header
const MAX_HEADER_BYTES = 4 << 20; // 40 000 tensors; the reference's 100 MB would be too much when parsed

/** How files begin that are taken for safetensors, each byte as one character; all make absurd lengths. */
const LOOKALIKES: [RegExp, string][] = [
  [/^(\xef\xbb\xbf)?\s*<[!?a-z]/i, 'this looks like an HTML page: check the address'],
  [/^PK/, 'this looks like a PyTorch .pth file (zip): readWeights reads it'],
  [/^\x80/, 'this looks like a PyTorch .pth file (pickle): readWeights reads it'],
  [/^version /, 'this looks like a Git LFS pointer: fetch the file that it stands for'],
  [/^\s*[{[]/, 'this looks like JSON: if it is an index, readWeights reads what it lists'],
];

/**
 * Reads a whole file: `visitor.header` once, then `visitor.data` for every tensor in the order of the file.
 * Resolves to the header. Throws WeightError if the file cannot be had or breaks the format, the reason of
 * `options.signal` (or of a Request's own) when that aborts, and whatever the visitor throws.
 */
export async function readSafetensors(
  source: WeightSource,
  visitor: SafetensorsVisitor,
  options: ReadOptions = {},
): Promise<SafetensorsHeader> {
  const signal = joinSignals(source, options.signal);
  signal?.throwIfAborted();
  const reader = new ByteReader(await openSource(source, signal), options.onProgress, signal);
  try {
    const file = await openSafetensors(reader);
    await untilAborted(visitor.header(file.header), signal);
    await file.data((...piece) => visitor.data(...piece), signal);
    return file.header;
  } finally {
    await reader.close();
  }
}

/** A file whose header has been read, and whose data comes next. */
export interface OpenSafetensors {
  readonly header: SafetensorsHeader;
  /** Hands over all of the data. */
  data(visit: SafetensorsVisitor['data'], signal?: AbortSignal): Promise<void>;
}

/** Reads the header. Throws WeightError. */
export async function openSafetensors(reader: ByteReader): Promise<OpenSafetensors> {
  const { metadata, entries } = await readHeader(reader);
  return {
    header: { metadata, tensors: entries.filter(isTensor), dataBytes: entries.at(-1)?.end ?? 0 },
    async data(visit, signal) {
      for (const entry of entries) await readTensor(reader, entry, visit, signal);
      if ((await reader.take(1)).length > 0) throw wrongSize(reader, reader.loaded);
    },
  };
}

/** The signal that aborts when either does: that of a Request, and `signal`. */
export function joinSignals(source: WeightSource, signal?: AbortSignal): AbortSignal | undefined {
  if (!(source instanceof Request)) return signal;
  return signal ? AbortSignal.any([source.signal, signal]) : source.signal;
}

async function readHeader(reader: ByteReader): Promise<ReturnType<typeof parseHeader>> {
  const { name, size } = reader.source;
  const head = new Uint8Array(await reader.take(LENGTH_BYTES)); // a copy, as take() reuses its memory
  const fault = (wanted: string, got: string) =>
    new WeightError(`${name}: wanted ${wanted}, got ${got}; ${guessFormat(head)}`);
  if (head.length < LENGTH_BYTES) throw fault('8 bytes of header length', `a file of ${head.length} bytes`);
  const length = Number(new DataView(head.buffer).getBigUint64(0, true));
  if (length < 1 || length > MAX_HEADER_BYTES) {
    throw fault(`a header of 1 to ${MAX_HEADER_BYTES} bytes`, `one of ${length}`);
  }
  const least = LENGTH_BYTES + length;
  if (size !== undefined && size < least) throw wrongSize(reader, size, least);
  const bytes = await reader.take(length);
  if (bytes.length < length) throw wrongSize(reader, reader.loaded, least);

  const header = parseHeader(bytes, name);
  reader.total = least + (header.entries.at(-1)?.end ?? 0);
  if (size !== undefined && size !== reader.total) throw wrongSize(reader, size);
  return header;
}

async function readTensor(
  reader: ByteReader,
  entry: HeaderEntry,
  visit: SafetensorsVisitor['data'],
  signal?: AbortSignal,
): Promise<void> {
  const length = entry.end - entry.begin;
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    const wanted = Math.min(PIECE_BYTES, length - offset);
    const piece = await reader.take(wanted);
    if (piece.length < wanted) throw wrongSize(reader, reader.loaded);
    if (isTensor(entry)) await untilAborted(visit(entry, offset, piece), signal);
  }
}

/** The fault of a file whose size, or whose `got` bytes so far, do not agree with the `wanted` of its header. */
function wrongSize({ source, total = 0 }: ByteReader, got: number, wanted = total): WeightError {
  const fault =
    got < wanted
      ? `only ${got}; it is truncated, fetch it again`
      : `${got}${source.size === undefined ? ' or more' : ''}; the last of them belong to no tensor`;
  return new WeightError(`${source.name}: wanted ${wanted} bytes by its header, got ${fault}`);
}

function guessFormat(head: Uint8Array): string {
  const text = String.fromCharCode(...head);
  return LOOKALIKES.find(([pattern]) => pattern.test(text))?.[1] ?? 'is it a .safetensors file?';
}
