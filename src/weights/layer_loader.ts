// Brings a checkpoint's bytes to the GPU as they arrive, and packs each layer there as soon as its tensors are
// complete. Large tensors never become numbers on the JavaScript heap; only biases and batch norms do.

import { WeightError } from '../errors';
import { checked } from '../graph/checked';
import type { LayerWeights } from '../graph/graph';
import { bytesOf } from '../kernels/kernel';
import { packingKernel, rawBytes } from '../kernels/pack_weight';
import { pipelineFor } from '../kernels/pipelines';
import { packParams } from '../kernels/specialise';
import { checkFinite, padded } from './finite';
import { foldNorm, type NormNumbers, weightFactors } from './fold_norm';
import { namesOf, packing } from './layer_packing';
import { byTurns, packGroups } from './packed_vectors';
import { type TensorInfo, toFloat32 } from './safetensors';

/** Bytes written before we wait for the GPU to take them in, so that copies of them do not pile up. */
const IN_FLIGHT_BYTES = 8 << 20;

interface Job {
  readonly layer: LayerWeights;
  /** Names of tensors that have not arrived in full. */
  readonly awaited: Set<string>;
}

export class LayerLoader {
  private readonly jobs = new Map<string, Job>();
  private readonly raw = new Map<string, GPUBuffer>();
  private readonly vectors = new Map<string, Float32Array<ArrayBuffer>>();
  private readonly pieces = new Map<string, Uint8Array[]>();
  private readonly packed = new Map<string, GPUBuffer>();
  private inFlight = 0;

  /** Throws WeightError that lists what `tensors` have beyond these layers; the network has said what they lack. */
  constructor(
    private readonly device: GPUDevice,
    layers: Iterable<LayerWeights>,
    private readonly tensors: ReadonlyMap<string, TensorInfo>,
    private readonly norms: NormNumbers,
  ) {
    for (const layer of layers) {
      const names = namesOf(layer);
      const job = { layer, awaited: new Set(names) };
      for (const name of names) this.jobs.set(name, job);
    }
    const unexpected = [...tensors.keys()].filter((name) => !this.jobs.has(name));
    if (unexpected.length) {
      throw new WeightError(
        `the checkpoint holds tensors that this network has no use for: ${list(unexpected)}`,
      );
    }
  }

  /** Begins to compile what packing needs; to be called before other compiling, since packing waits for it. */
  compile(): void {
    for (const { layer } of this.jobs.values()) {
      pipelineFor(this.device, packingKernel(layer.pack), packing(layer)).catch(() => {}); // `pack` meets the same failure
    }
  }

  /** The next bytes of tensor `name`. Packs its layer when they are the last that it needs. */
  async data(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    const info = this.tensors.get(name) as TensorInfo;
    const job = this.jobs.get(name) as Job;
    checkFinite(name, info.dtype, bytes);
    if (name === job.layer.weight) this.upload(name, job.layer, offset, bytes, info.dtype);
    else this.pieces.set(name, [...(this.pieces.get(name) ?? []), bytes.slice()]);
    if (this.inFlight > IN_FLIGHT_BYTES) await this.settle();
    if (offset + bytes.length < info.end - info.begin) return;
    if (name !== job.layer.weight) {
      this.vectors.set(name, toFloat32(info.dtype, joined(this.pieces.get(name) ?? [])));
      this.pieces.delete(name);
    }
    job.awaited.delete(name);
    if (job.awaited.size === 0) await this.pack(job.layer);
  }

  /** The packed tensors by label. They are the caller's from here on. */
  async finish(): Promise<Map<string, GPUBuffer>> {
    await this.settle();
    return this.packed;
  }

  /** Frees everything, after a failure. */
  destroy(): void {
    for (const buffer of [...this.raw.values(), ...this.packed.values()]) buffer.destroy();
  }

  private upload(
    name: string,
    { pack }: LayerWeights,
    offset: number,
    bytes: Uint8Array,
    dtype: TensorInfo['dtype'],
  ): void {
    const size = Math.ceil(rawBytes(pack) / 4) * 4;
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    const buffer =
      this.raw.get(name) ??
      this.device.createBuffer({ label: `raw ${name}`, size, usage: STORAGE | COPY_DST });
    this.raw.set(name, buffer);
    const rounded = dtype === 'F64';
    const part = rounded ? new Uint8Array(toFloat32(dtype, bytes).buffer) : bytes;
    const whole = part.length % 4 === 0 ? part : padded(part);
    this.device.queue.writeBuffer(buffer, rounded ? offset / 2 : offset, whole as Uint8Array<ArrayBuffer>);
    this.inFlight += part.length;
  }

  private async pack(layer: LayerWeights): Promise<void> {
    const { scale, bias } = foldNorm(layer, this.vectors, this.norms);
    const { packedWeight, packedBias, pack, weight, scaled } = layer;
    const raw = this.raw.get(weight) as GPUBuffer;
    if (packedBias && bias) {
      const length = packedBias.shape[0]! / (scaled ? 2 : 1);
      const biases = packGroups(bias, pack.groups ?? 1, length);
      const beside = scaled && scale && packGroups(scale, pack.groups ?? 1, length);
      const data = beside ? byTurns(beside, biases) : biases;
      this.packed.set(packedBias.label, this.filled(packedBias.label, data));
    }
    const factors = weightFactors(layer, this.vectors, scaled ? undefined : scale);
    const scaling = factors && this.filled(`scale ${weight}`, factors);
    const output = await this.dispatch(packedWeight.label, raw, scaling, layer);
    this.packed.set(packedWeight.label, output);
    // destroyed buffers live on until the work that was submitted with them is done
    raw.destroy();
    scaling?.destroy();
    this.raw.delete(weight);
    for (const name of namesOf(layer)) this.vectors.delete(name);
  }

  /** Waits until the GPU has taken in all that was written. */
  private async settle(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone();
    this.inFlight = 0;
  }

  private async dispatch(
    label: string,
    raw: GPUBuffer,
    scale: GPUBuffer | undefined,
    layer: LayerWeights,
  ): Promise<GPUBuffer> {
    const { device } = this;
    const dispatch = packing(layer);
    const kernel = packingKernel(layer.pack);
    const { pipeline, layout, bindings, text } = await pipelineFor(device, kernel, dispatch);
    return checked(device, label, () => {
      const { STORAGE, COPY_SRC, UNIFORM } = GPUBufferUsage;
      const size = bytesOf(dispatch.outputs.packed!);
      const packed = device.createBuffer({ label, size, usage: STORAGE | COPY_SRC });
      const params = this.filled('params', packParams(text, dispatch.params, kernel.name), UNIFORM);
      const buffers: Record<string, GPUBuffer | undefined> = { params, raw, scale, packed };
      const entries = [...bindings].map(([name, binding]) => ({
        binding,
        resource: { buffer: buffers[name]! },
      }));
      const encoder = device.createCommandEncoder({ label: `pack ${label}` });
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(...dispatch.workgroups);
      pass.end();
      device.queue.submit([encoder.finish()]);
      params.destroy();
      return packed;
    });
  }

  private filled(label: string, data: Float32Array<ArrayBuffer> | ArrayBuffer, kind?: number): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const usage = (kind ?? STORAGE | COPY_SRC) | COPY_DST;
    const buffer = this.device.createBuffer({ label, size: Math.max(16, data.byteLength), usage });
    this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The first names, and how many more. */
function list(names: readonly string[]): string {
  const more = names.length > 12 ? ` and ${names.length - 12} more` : '';
  return `${names.length} (${names.slice(0, 12).join(', ')}${more})`;
}
