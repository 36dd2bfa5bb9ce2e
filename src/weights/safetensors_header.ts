// The header of a safetensors file: JSON that names each tensor, its element type, shape and place, all of it
// checked before a byte of data is believed. Pure functions of the header's bytes.
// Format: huggingface/safetensors, README "Format"; the checks are those of `Metadata::validate` and
// `SafeTensors::read_metadata` in its safetensors/src/tensor.rs, and that we can read the element types.

import { WeightError } from '../errors';
import { DTYPE_BYTES, type SafetensorsDtype } from './float16';

/** One tensor of a file. */
export interface TensorInfo {
  name: string;
  dtype: SafetensorsDtype;
  shape: number[];
  /** Bytes from the start of the data section; `end` is the first byte after the tensor. */
  begin: number;
  end: number;
}

/** What a file says of itself. */
export interface SafetensorsHeader {
  metadata: Record<string, string>;
  /** In the order of their bytes; without the counters of batch norms, which inference has no use for. */
  tensors: TensorInfo[];
  /** Length of the data section. */
  dataBytes: number;
}

/** A tensor of the file, or a batch norm's counter, whose dtype is I64 and whose bytes are passed over. */
export type HeaderEntry = Omit<TensorInfo, 'dtype'> & { dtype: SafetensorsDtype | 'I64' };

const COUNTER = { dtype: 'I64', suffix: '.num_batches_tracked', bytes: 8 } as const; // as PyTorch saves them
const OTHER_DTYPES = new Set(
  'BOOL F4 F6_E2M3 F6_E3M2 F8_E5M2 F8_E4M3 F8_E8M0 I16 U16 I32 U32 I64 U64 C64'.split(' '),
);
const SHOWN = 80; // characters of a value that an error quotes

/** Whether a visitor is to see this entry. */
export function isTensor(entry: HeaderEntry): entry is TensorInfo {
  return entry.dtype !== COUNTER.dtype;
}

/** The file's metadata and its entries in the order of their bytes. Throws WeightError; `file` names the file. */
export function parseHeader(
  bytes: Uint8Array,
  file: string,
): { metadata: Record<string, string>; entries: HeaderEntry[] } {
  let metadata = checkMetadata({}, file);
  const entries: HeaderEntry[] = [];
  for (const [name, value] of Object.entries(parseJson(bytes, file))) {
    if (name === '__metadata__') metadata = checkMetadata(value, file);
    else entries.push(checkEntry(name, value, `${file}: tensor ${show(name)}`));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, file);
  return { metadata, entries };
}

function parseJson(bytes: Uint8Array, file: string): object {
  const fault = (wanted: string, got: string) =>
    new WeightError(`${file}: wanted ${wanted}, got ${got}; the file is damaged or no safetensors file`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fault('a header in UTF-8', 'bytes that are not');
  }
  if (!text.startsWith('{')) throw fault('a header that is a JSON object', show(text));
  try {
    return JSON.parse(text) as object; // by its first character
  } catch (error) {
    throw fault('a header in JSON', `a fault: ${(error as Error).message}`);
  }
}

function checkMetadata(value: unknown, file: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null); // without a prototype, no key is special
  if (!isRecord(value))
    throw new WeightError(`${file}: wanted an object as __metadata__, got ${show(value)}`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new WeightError(`${file}: wanted a string as __metadata__ ${show(key)}, got ${show(text)}`);
    }
    metadata[key] = text;
  }
  return metadata;
}

/** The entry that `value` describes; `who` names it in errors. */
function checkEntry(name: string, value: unknown, who: string): HeaderEntry {
  if (!isRecord(value)) throw new WeightError(`${who}: wanted an object, got ${show(value)}`);
  const { shape, data_offsets: offsets } = value;
  if (!isCounts(shape)) throw new WeightError(`${who}: wanted a shape of integers >= 0, got ${show(shape)}`);
  const dtype = checkDtype(name, value.dtype, shape, who);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new WeightError(
      `${who}: wanted data_offsets [begin, end], 0 <= begin <= end, got ${show(offsets)}`,
    );
  }
  const [begin, end] = offsets as [number, number];
  const length = byteLength(dtype, shape, who);
  if (end - begin !== length) {
    const wanted = `${length} bytes for ${dtype} ${show(shape)}`;
    throw new WeightError(`${who}: wanted ${wanted}, got ${end - begin} by data_offsets ${show(offsets)}`);
  }
  return { name, dtype, shape, begin, end };
}

function checkDtype(name: string, dtype: unknown, shape: number[], who: string): HeaderEntry['dtype'] {
  if (typeof dtype === 'string' && Object.hasOwn(DTYPE_BYTES, dtype)) return dtype as SafetensorsDtype;
  if (dtype === COUNTER.dtype && shape.length === 0 && name.endsWith(COUNTER.suffix)) return dtype;
  const known = typeof dtype === 'string' && OTHER_DTYPES.has(dtype);
  const advice = known ? 'convert the tensor to one of these, or leave it out' : 'no such dtype is known';
  throw new WeightError(
    `${who}: wanted dtype ${Object.keys(DTYPE_BYTES).join(', ')}, got ${show(dtype)}; ${advice}`,
  );
}

function byteLength(dtype: HeaderEntry['dtype'], shape: number[], who: string): number {
  let length: number = dtype === COUNTER.dtype ? COUNTER.bytes : DTYPE_BYTES[dtype];
  for (const extent of shape) {
    length *= extent;
    if (length > Number.MAX_SAFE_INTEGER) {
      throw new WeightError(`${who}: wanted less than 2^53 bytes, got shape ${show(shape)}`);
    }
  }
  return length;
}

/** Entries, sorted by place, must follow one another from 0 on without a gap. */
function checkLayout(entries: HeaderEntry[], file: string): void {
  let end = 0;
  let last = 'the start of the data';
  for (const { name, begin, end: next } of entries) {
    if (begin !== end) {
      const fault = begin < end ? 'an overlap' : 'a hole';
      const place = `${show(name)} at byte ${end}, after ${last}`;
      throw new WeightError(`${file}: wanted tensor ${place}, got ${fault}: it begins at ${begin}`);
    }
    end = next;
    last = show(name);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

/** A value as errors quote it: short, and without descending into nested ones, however deep they are. */
export function show(value: unknown): string {
  const text = Array.isArray(value)
    ? `[${value.slice(0, SHOWN).map(showPlain).join(', ')}]`
    : showPlain(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function showPlain(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (isRecord(value)) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN)) : String(value);
}
