// One way in for every format: its first bytes tell which it is, and a visitor sees them all alike. What only some
// formats need is loaded when one is met.

import { ByteReader, untilAborted } from './byte_reader';
import { openSource, type Seekable, type WeightSource } from './byte_source';
import type { PickledWeights } from './pickled_tensors';
import {
  joinSignals,
  openSafetensors,
  PIECE_BYTES,
  type ReadOptions,
  type SafetensorsHeader,
  type SafetensorsVisitor,
} from './safetensors';

type Format = 'safetensors' | 'index of safetensors' | 'PyTorch (zip)' | 'pickle';
type ReadPickled = (file: Seekable, name: string, signal?: AbortSignal) => Promise<PickledWeights>;

/** How files of each format begin, each byte as one character; safetensors is what nothing else is. */
const BEGINNINGS: readonly [begins: (head: string) => boolean, Format][] = [
  // the length of its header in 8 bytes may look like any other format's beginning, but for the zeros in it
  [(head) => head.slice(3, 8) === '\u0000'.repeat(5), 'safetensors'],
  [(head) => head.startsWith('PK\u0003\u0004'), 'PyTorch (zip)'],
  [(head) => head[0] === '\u0080' && head[1]! >= '\u0002' && head[1]! <= '\u0005', 'pickle'],
  [(head) => head.trimStart().startsWith('{'), 'index of safetensors'],
];
const HEAD_BYTES = 16;

const PICKLED: Partial<Record<Format, () => Promise<ReadPickled>>> = {
  'PyTorch (zip)': async () => (await import('./torch_zip')).readTorchZip,
  pickle: async () => (await import('./pickle_file')).readPickleFile,
};

/**
 * Reads a whole file of any format: `visitor.header` once, then `visitor.data` for every tensor, in the order of the
 * file. Resolves to the header. safetensors, with an index or without; PyTorch's .pth, old and new; detectron2's
 * .pkl. Throws WeightError if the file cannot be had or breaks the format, the reason of `options.signal` (or of a
 * Request's own) when that aborts, and whatever the visitor throws.
 */
export async function readWeights(
  source: WeightSource,
  visitor: SafetensorsVisitor,
  options: ReadOptions = {},
): Promise<SafetensorsHeader> {
  const signal = joinSignals(source, options.signal);
  signal?.throwIfAborted();
  const opened = await openSource(source, signal);
  const reader = new ByteReader(opened, options.onProgress, signal);
  try {
    const format = formatOf(await reader.peek(HEAD_BYTES));
    let read: SafetensorsHeader | undefined;
    const described: SafetensorsVisitor = {
      header(header) {
        read = { ...header, metadata: Object.assign(Object.create(null), opened.metadata, header.metadata) };
        return visitor.header(read as SafetensorsHeader);
      },
      data: (tensor, offset, bytes) => visitor.data(tensor, offset, bytes),
    };
    const pickled = await PICKLED[format]?.();
    if (pickled) await readPickled(reader, pickled, described, { ...options, ...(signal && { signal }) });
    else if (format === 'index of safetensors') {
      const { readShards } = await import('./sharded');
      await readShards(reader, described, { ...options, ...(signal && { signal }) });
    } else {
      const file = await openSafetensors(reader);
      await untilAborted(described.header(file.header), signal);
      await file.data(described.data, signal);
    }
    return read as unknown as SafetensorsHeader;
  } finally {
    await reader.close();
  }
}

function formatOf(head: Uint8Array): Format {
  const text = String.fromCharCode(...head);
  return BEGINNINGS.find(([begins]) => begins(text))?.[1] ?? 'safetensors';
}

async function readPickled(
  reader: ByteReader,
  read: ReadPickled,
  visitor: SafetensorsVisitor,
  { onProgress, signal }: ReadOptions,
): Promise<void> {
  const { name } = reader.source;
  const file = await reader.seekable();
  try {
    const { elementsOf } = await import('./pickled_tensors');
    const { header, tensors } = await read(file, name, signal);
    await untilAborted(visitor.header(header), signal);
    const before = reader.loaded; // all of it, where it had to be fetched first
    let loaded = 0;
    // one reader for all: what it puts pieces together in is as large as a piece
    const elements = new ByteReader(
      { name, read: (stop) => elementsOf(tensors, name, stop) },
      undefined,
      signal,
    );
    try {
      for (const { info } of tensors) {
        const length = info.end - info.begin;
        for (let offset = 0; offset < length; offset += PIECE_BYTES) {
          const piece = await elements.take(Math.min(PIECE_BYTES, length - offset));
          await untilAborted(visitor.data(info, offset, piece), signal);
          loaded += piece.length;
          if (loaded > before && loaded < file.size) onProgress?.({ loaded, total: file.size });
          signal?.throwIfAborted();
        }
      }
    } finally {
      await elements.close();
    }
    if (before < file.size) onProgress?.({ loaded: file.size, total: file.size });
  } finally {
    await file.close?.();
  }
}
