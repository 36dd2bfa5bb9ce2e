// Reads tests/golden/*.safetensors: what torchvision computed, written by scripts/make_golden.py.
// A reader of its own, so that the tests do not lean on the engine's.

import { readFileSync } from 'node:fs';

const VIEWS = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U8: Uint8Array,
} as const;

type GoldenData = Float32Array | Float64Array | Int32Array | Uint8Array;

export interface GoldenTensor<Data extends GoldenData = GoldenData> {
  shape: number[];
  data: Data;
}

/** What `summary` of scripts/golden_reference.py stores of a tensor. */
export interface GoldenSummary {
  shape: number[];
  /** Positions floor(k * count / n) in the flattened tensor, and the values there. */
  indices: number[];
  samples: Float32Array;
  /** max |x|, mean, L2 norm; of nodes also the float32 reference's largest error. */
  stats: Float32Array;
}

export interface Golden {
  metadata: Record<string, string>;
  names: string[];
  has(name: string): boolean;
  /** Throws if there is none of that name. */
  tensor(name: string): GoldenTensor;
  /** The same, of 32-bit floats. */
  floats(name: string): GoldenTensor<Float32Array>;
  summary(label: string): GoldenSummary;
}

interface Entry {
  dtype: keyof typeof VIEWS;
  shape: number[];
  data_offsets: [number, number];
}

/** Opens tests/golden/<name>.safetensors. */
export function readGolden(name: string): Golden {
  const path = new URL(`./golden/${name}.safetensors`, import.meta.url);
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
  const { __metadata__: metadata = {}, ...entries } = header as { __metadata__?: Record<string, string> } & {
    [tensor: string]: Entry;
  };
  const has = (tensor: string): boolean => Object.hasOwn(entries, tensor);

  function tensor(label: string): GoldenTensor {
    const entry = has(label) ? (entries[label] as Entry) : undefined;
    if (!entry) throw new Error(`${name}.safetensors holds no tensor '${label}'`);
    const View = VIEWS[entry.dtype];
    if (!View) throw new Error(`${name}.safetensors: '${label}' is ${entry.dtype}, which is not read here`);
    const [begin, end] = entry.data_offsets.map((offset) => 8 + headerLength + offset);
    return { shape: entry.shape, data: new View(new Uint8Array(bytes.subarray(begin, end)).buffer) };
  }

  function floats(label: string): GoldenTensor<Float32Array> {
    const { shape, data } = tensor(label);
    if (!(data instanceof Float32Array)) throw new Error(`${name}.safetensors: '${label}' is not float32`);
    return { shape, data };
  }

  function summary(label: string): GoldenSummary {
    const shape = [...tensor(`${label}/shape`).data];
    const samples = floats(`${label}/samples`).data;
    const count = shape.reduce((product, extent) => product * extent, 1);
    const indices = Array.from(samples, (_, k) => Math.floor((k * count) / samples.length));
    return { shape, indices, samples, stats: floats(`${label}/stats`).data };
  }

  return { metadata, names: Object.keys(entries), has, tensor, floats, summary };
}
