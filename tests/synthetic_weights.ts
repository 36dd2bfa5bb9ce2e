// Reproducible random weights for torchvision's R50-FPN detectors, without a file of 178 MB: the same, bit
// for bit, as scripts/synthetic_weights.py makes for the reference. Element i of tensor `name` is
//
//   h = fmix32(fnv1a32(name) + i * 0x9E3779B9)               murmur3's finaliser over a counter
//   value = float32(mean + amplitude * ((h >> 8) / 2^23 - 1))
//
// Norms' statistics, biases and one factor a layer come from tests/golden/calibration.safetensors.

import { writeSafetensors } from '../src/weights/write_safetensors';
import { type Golden, readGolden } from './golden_file';

export type Architecture = 'maskrcnn' | 'fasterrcnn';

export interface TensorShape {
  name: string;
  shape: number[];
}

const CLASSES = 91;
const PIECE = 1 << 20; // values of a piece: 4 MiB

/** Names and shapes of torchvision's maskrcnn_resnet50_fpn (307) or fasterrcnn_resnet50_fpn (295), in order. */
export function tensorShapes(architecture: Architecture): TensorShape[] {
  return [...body(), ...pyramid(), ...heads(), ...(architecture === 'maskrcnn' ? masks() : [])];
}

function* body(): Generator<TensorShape> {
  yield* convolution('backbone.body', 1, [64, 3, 7, 7]);
  let input = 64;
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 << stage;
    for (let block = 0; block < blocks; block++) {
      const prefix = `backbone.body.layer${stage + 1}.${block}`;
      yield* convolution(prefix, 1, [width, input, 1, 1]);
      yield* convolution(prefix, 2, [width, width, 3, 3]);
      yield* convolution(prefix, 3, [4 * width, width, 1, 1]);
      if (block === 0) {
        yield { name: `${prefix}.downsample.0.weight`, shape: [4 * width, input, 1, 1] };
        yield* norm(`${prefix}.downsample.1`, 4 * width);
      }
      input = 4 * width;
    }
  }
}

function* convolution(prefix: string, index: number, shape: number[]): Generator<TensorShape> {
  yield { name: `${prefix}.conv${index}.weight`, shape };
  yield* norm(`${prefix}.bn${index}`, shape[0]!);
}

function* norm(prefix: string, channels: number): Generator<TensorShape> {
  for (const part of ['weight', 'bias', 'running_mean', 'running_var']) {
    yield { name: `${prefix}.${part}`, shape: [channels] };
  }
}

function* biased(prefix: string, shape: number[], outputs = shape[0]!): Generator<TensorShape> {
  yield { name: `${prefix}.weight`, shape };
  yield { name: `${prefix}.bias`, shape: [outputs] };
}

function* pyramid(): Generator<TensorShape> {
  for (let n = 0; n < 4; n++) yield* biased(`backbone.fpn.inner_blocks.${n}.0`, [256, 256 << n, 1, 1]);
  for (let n = 0; n < 4; n++) yield* biased(`backbone.fpn.layer_blocks.${n}.0`, [256, 256, 3, 3]);
}

function* heads(): Generator<TensorShape> {
  yield* biased('rpn.head.conv.0.0', [256, 256, 3, 3]);
  yield* biased('rpn.head.cls_logits', [3, 256, 1, 1]);
  yield* biased('rpn.head.bbox_pred', [12, 256, 1, 1]);
  yield* biased('roi_heads.box_head.fc6', [1024, 256 * 7 * 7]);
  yield* biased('roi_heads.box_head.fc7', [1024, 1024]);
  yield* biased('roi_heads.box_predictor.cls_score', [CLASSES, 1024]);
  yield* biased('roi_heads.box_predictor.bbox_pred', [4 * CLASSES, 1024]);
}

function* masks(): Generator<TensorShape> {
  for (let n = 0; n < 4; n++) yield* biased(`roi_heads.mask_head.${n}.0`, [256, 256, 3, 3]);
  yield* biased('roi_heads.mask_predictor.conv5_mask', [256, 256, 2, 2], 256);
  yield* biased('roi_heads.mask_predictor.mask_fcn_logits', [CLASSES, 256, 1, 1]);
}

/** A weights file that is made while it is read: a ByteSource of safetensors, in pieces of at most 4 MiB. */
export function syntheticWeights(
  architecture: Architecture = 'maskrcnn',
  shapes = tensorShapes(architecture),
) {
  const header = fileHeader(architecture, shapes);
  const size = header.length + 4 * shapes.reduce((sum, { shape }) => sum + elements(shape), 0);
  async function* read(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    yield header;
    const calibration = readGolden('calibration');
    for (const { name, shape } of shapes) {
      for (const values of syntheticTensor(name, shape, calibration)) {
        signal?.throwIfAborted();
        yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      }
    }
  }
  return { name: `synthetic ${architecture}`, size, read };
}

/** A tensor of a listed file: its name there, the name that seeds it, shape, mean and amplitude. */
export type ListedTensor = [name: string, seed: string, shape: number[], mean: number, amplitude: number];

/** The tensors that a golden file lists (scripts/golden_families.py). */
export function listedTensors(golden: Golden): (TensorShape & { data: Float32Array })[] {
  const listed = JSON.parse(golden.metadata.tensors!) as ListedTensor[];
  return listed.map(([name, seed, shape, mean, amplitude]) => {
    if (golden.has(`given/${name}`)) return { name, ...golden.floats(`given/${name}`) };
    const data = new Float32Array(elements(shape));
    fillUniform(data, fnv1a32(seed), mean, amplitude);
    return { name, shape, data };
  });
}

/** A weights file of them. */
export function listedWeights(golden: Golden, metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const tensors = listedTensors(golden).map((tensor) => ({ dtype: 'F32' as const, ...tensor }));
  return writeSafetensors(tensors, metadata);
}

/** What `syntheticWeights` gives, as one buffer. */
export async function syntheticFile(architecture: Architecture = 'maskrcnn'): Promise<Uint8Array> {
  const source = syntheticWeights(architecture);
  const file = new Uint8Array(source.size);
  let filled = 0;
  for await (const piece of source.read()) {
    file.set(piece, filled);
    filled += piece.length;
  }
  return file;
}

function fileHeader(architecture: Architecture, shapes: TensorShape[]): Uint8Array {
  const entries: Record<string, unknown> = {
    __metadata__: { architecture: `torchvision/${architecture}_resnet50_fpn`, bn_eps: '1e-05' },
  };
  let offset = 0;
  for (const { name, shape } of shapes) {
    const end = offset + 4 * elements(shape);
    entries[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / 8) * 8; // with spaces, so that the data are aligned
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

/** A tensor's values, in pieces; a piece is overwritten by the next. */
export function* syntheticTensor(
  name: string,
  shape: number[],
  calibration: Golden,
): Generator<Float32Array> {
  if (calibration.has(name)) {
    yield calibration.floats(name).data;
    return;
  }
  const count = elements(shape);
  const { mean, std } = role(name, shape);
  const scaleName = `${name.slice(0, -'weight'.length)}scale`;
  const scale = calibration.has(scaleName) ? calibration.floats(scaleName).data[0]! : 1;
  const amplitude = Math.sqrt(3) * std * scale;
  const seed = fnv1a32(name);
  const piece = new Float32Array(Math.min(count, PIECE));
  for (let first = 0; first < count; first += PIECE) {
    const values = piece.subarray(0, Math.min(PIECE, count - first));
    fillUniform(values, seed + Math.imul(first, 0x9e3779b9), mean, amplitude);
    yield values;
  }
}

/** Mean and standard deviation of a tensor's elements, before its calibrated factor. */
function role(name: string, shape: number[]): { mean: number; std: number } {
  if (name.endsWith('bias')) return { mean: 0, std: 0.1 };
  // A norm's weight; small at the end of a residual branch: less noise grows.
  if (shape.length === 1)
    return name.endsWith('bn3.weight') ? { mean: 0.2, std: 0.05 } : { mean: 1, std: 0.1 };
  // Transposed, [in, out, 2, 2] with stride 2: one tap an output. Else He et al. 2015, fan in.
  const fan = name.endsWith('conv5_mask.weight') ? shape[0]! : elements(shape) / shape[0]!;
  return { mean: 0, std: Math.sqrt(2 / fan) };
}

function fillUniform(values: Float32Array, seed: number, mean: number, amplitude: number): void {
  for (let i = 0; i < values.length; i++) {
    let h = (seed + Math.imul(i, 0x9e3779b9)) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    values[i] = mean + amplitude * ((h >>> 8) / 8388608 - 1);
  }
}

/** Fowler-Noll-Vo 1a over the UTF-8 bytes. */
export function fnv1a32(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

function elements(shape: number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
