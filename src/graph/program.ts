// A graph made ready on a device: buffers, bind groups and parameters are made once; each run writes the
// inputs, encodes one command buffer, submits it once and reads everything that was asked for back at once.

import { ShapeError, UnsupportedError } from '../errors';
import { numbersOfHalves } from '../kernels/half';
import { bytesOf, type Dtype, describe, sizeOf } from '../kernels/kernel';
import { type Pipeline, pipelineFor } from '../kernels/pipelines';
import { packParams } from '../kernels/specialise';
import { checked, checkLimits, unlessLost } from './checked';
import type { Graph, Node, Tensor } from './graph';
import { NodeClock } from './node_clock';
import { type Plan, plan } from './plan';
import { profileOf, type RunProfile } from './profile';

/** Numbers that came back, dense, in the tensor's shape: Uint32Array of u32, else Float32Array. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

const UNIFORM_ALIGNMENT = 256;

interface Step {
  readonly node: Node;
  readonly pipeline: Pipeline;
  readonly bindGroup: GPUBindGroup;
}

/** Adds commands of the caller's to a run's submit; `placeOf` tells where a tensor of the program lies. */
export type Encode = (encoder: GPUCommandEncoder, placeOf: (tensor: Tensor) => GPUBufferBinding) => void;

export interface RunOptions {
  /** Time every node with timestamp-query, where the device has it. */
  profile?: boolean;
  /** Encoded before the nodes: fills inputs on the GPU. */
  before?: Encode;
  /**
   * Makes a long run one of some submits, and is called after each with the share of the multiply-adds that is done,
   * 0..1. What it throws ends the run. Without it a run is one submit.
   */
  onProgress?: (share: number) => void;
}

/** Submits of a run that tells how far it is, about. */
const PARTS = 16;

export interface SubmitOptions {
  before?: Encode;
  /** Encoded after the nodes: uses the outputs on the GPU. */
  after: Encode;
}

export class Program {
  readonly plan: Plan;
  private readonly owned: GPUBuffer[] = [];
  private readonly buffers = new Map<Tensor, GPUBufferBinding>();
  private steps: Step[] = [];

  private constructor(
    private readonly device: GPUDevice,
    readonly graph: Graph,
    /** What each run reads back, by the caller's names. */
    private readonly outputs: Readonly<Record<string, Tensor>>,
    kept: Iterable<Tensor>,
  ) {
    this.plan = plan(graph, new Set([...Object.values(outputs), ...kept]));
  }

  /**
   * Compiles what is not compiled yet, and makes all buffers. `weights` by packed tensor's label. `kept`: tensors
   * that stay as they are after a run, besides the outputs, for `read`.
   */
  static async create(
    device: GPUDevice,
    graph: Graph,
    weights: ReadonlyMap<string, GPUBuffer>,
    outputs: Readonly<Record<string, Tensor>>,
    kept: Iterable<Tensor> = [],
  ): Promise<Program> {
    const pipelines = await compileAll(device, graph);
    const program = new Program(device, graph, outputs, kept);
    try {
      await checked(device, 'preparing', () => {
        program.allocate(weights);
        program.bind(pipelines);
      });
    } catch (error) {
      program.destroy();
      throw error;
    }
    return program;
  }

  private allocate(weights: ReadonlyMap<string, GPUBuffer>): void {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const usage = STORAGE | COPY_SRC | COPY_DST;
    for (const node of this.graph.nodes) checkLimits(node, this.device.limits);
    const shared = this.plan.bufferBytes.map((size, i) => this.buffer(`activations ${i}`, size, usage));
    for (const [tensor, { buffer, offset }] of this.plan.places) {
      this.buffers.set(tensor, { buffer: shared[buffer]!, offset, size: bytesOf(tensor) });
    }
    for (const tensor of [...this.graph.inputs, ...this.graph.constants.keys()]) {
      this.buffers.set(tensor, { buffer: this.buffer(tensor.label, bytesOf(tensor), usage) });
    }
    for (const [tensor, data] of this.graph.constants) this.write(tensor, data);
    for (const { packedWeight, packedBias } of this.graph.layers.values()) {
      for (const tensor of [packedWeight, packedBias]) {
        const buffer = tensor && weights.get(tensor.label);
        if (!tensor || !buffer) continue;
        if (buffer.size !== Math.max(16, bytesOf(tensor))) {
          throw new ShapeError(
            `${tensor.label}: wanted ${describe(tensor)}, ${bytesOf(tensor)} bytes; got ${buffer.size}: packed for other methods`,
          );
        }
        this.buffers.set(tensor, { buffer });
      }
    }
  }

  private buffer(label: string, size: number, usage: number): GPUBuffer {
    const buffer = this.device.createBuffer({ label, size: Math.max(16, size), usage });
    this.owned.push(buffer);
    return buffer;
  }

  /** Parameters of all nodes into one uniform buffer, and a bind group for each node. */
  private bind(pipelines: readonly Pipeline[]): void {
    const { nodes } = this.graph;
    const params = new Uint8Array(Math.max(1, nodes.length) * UNIFORM_ALIGNMENT);
    nodes.forEach((node, i) => {
      const packed = packParams(pipelines[i]!.text, node.dispatch.params, node.kernel.name);
      params.set(new Uint8Array(packed), i * UNIFORM_ALIGNMENT);
    });
    const { UNIFORM, COPY_DST } = GPUBufferUsage;
    const uniforms = this.buffer('params', params.length, UNIFORM | COPY_DST);
    this.device.queue.writeBuffer(uniforms, 0, params);

    this.steps = nodes.map((node, i) => {
      const pipeline = pipelines[i]!;
      const offset = i * UNIFORM_ALIGNMENT;
      const entries = [...pipeline.bindings].map(([name, binding]) => {
        const tensor = node.inputs[name] ?? node.outputs[name];
        const resource =
          name === 'params'
            ? { buffer: uniforms, offset, size: UNIFORM_ALIGNMENT }
            : tensor && this.buffers.get(tensor);
        if (!resource) throw new UnsupportedError(`${node.label}: nothing is bound to '${name}'`);
        return { binding, resource };
      });
      const bindGroup = this.device.createBindGroup({ label: node.label, layout: pipeline.layout, entries });
      return { node, pipeline, bindGroup };
    });
  }

  private placeOf(tensor: Tensor): GPUBufferBinding {
    const place = this.buffers.get(tensor);
    if (!place)
      throw new ShapeError(`${tensor.label}: wanted a tensor of this program; got ${describe(tensor)}`);
    return place;
  }

  /**
   * What the last run has left in a tensor that is kept, or in an input, a constant, or a weight. `row`: only that
   * index of the first axis, as [1, …].
   */
  async read(whole: Tensor, row?: number): Promise<HostTensor> {
    const { buffer, offset: start = 0 } = this.placeOf(whole);
    const tensor = row === undefined ? whole : { ...whole, shape: [1, ...whole.shape.slice(1)] };
    const size = bytesOf(tensor);
    const offset = start + (row ?? 0) * size;
    if (offset + size > start + bytesOf(whole)) {
      throw new ShapeError(`${whole.label}: wanted a row of ${describe(whole)}; got ${row}`);
    }
    const { COPY_DST, MAP_READ } = GPUBufferUsage;
    const staging = this.device.createBuffer({
      label: 'readback',
      size: Math.max(16, size),
      usage: COPY_DST | MAP_READ,
    });
    try {
      await checked(this.device, `reading ${tensor.label}`, () => {
        const encoder = this.device.createCommandEncoder({ label: 'read' });
        encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
        this.device.queue.submit([encoder.finish()]);
      });
      await unlessLost(this.device, staging.mapAsync(GPUMapMode.READ), 'the tensor could not be read back');
      return { shape: tensor.shape, data: typed(tensor.dtype, staging.getMappedRange(0, size).slice(0)) };
    } finally {
      staging.destroy();
    }
  }

  /** Fills an input. Throws ShapeError if the program has no such tensor, or it has another size. */
  write(tensor: Tensor, data: Float32Array | Uint32Array): void {
    const place = this.buffers.get(tensor);
    if (!place || data.length !== sizeOf(tensor)) {
      throw new ShapeError(
        `${tensor.label}: wanted ${describe(tensor)} of this program; got ${data.length} numbers`,
      );
    }
    this.device.queue.writeBuffer(
      place.buffer,
      place.offset ?? 0,
      data as unknown as GPUAllowSharedBufferSource,
    );
  }

  /** One submit, unless progress is told, and one readback. Throws DeviceLostError if the device goes away meanwhile. */
  async run(options: RunOptions = {}): Promise<{ outputs: Record<string, HostTensor>; profile: RunProfile }> {
    const started = performance.now();
    const timed = Boolean(options.profile) && this.device.features.has('timestamp-query');
    const names = Object.keys(this.outputs);
    const offsets: number[] = [];
    let size = 0;
    for (const name of names) {
      offsets.push(size);
      size += bytesOf(this.outputs[name]!);
    }
    const clock = timed ? new NodeClock(this.device, this.steps.length) : undefined;
    const clockAt = Math.ceil(size / 8) * 8;
    const { COPY_DST, MAP_READ } = GPUBufferUsage;
    const total = Math.max(16, clockAt + (clock?.bytes ?? 0));
    const staging = this.device.createBuffer({ label: 'readback', size: total, usage: COPY_DST | MAP_READ });
    try {
      const { first, submits } = await this.runParts(options, clock);
      await checked(this.device, 'running', () => {
        const encoder = this.device.createCommandEncoder({ label: 'maskrcnn' });
        if (first === 0) options.before?.(encoder, (tensor) => this.placeOf(tensor));
        this.encode(encoder, clock, first);
        names.forEach((name, i) => {
          const place = this.buffers.get(this.outputs[name]!)!;
          const bytes = bytesOf(this.outputs[name]!);
          encoder.copyBufferToBuffer(place.buffer, place.offset ?? 0, staging, offsets[i]!, bytes);
        });
        clock?.resolve(encoder, staging, clockAt);
        this.device.queue.submit([encoder.finish()]);
      });
      await unlessLost(this.device, staging.mapAsync(GPUMapMode.READ), 'the results could not be read back');
      const bytes = staging.getMappedRange();
      const outputs: Record<string, HostTensor> = {};
      names.forEach((name, i) => {
        const { shape, dtype } = this.outputs[name]!;
        const part = bytes.slice(offsets[i]!, offsets[i]! + bytesOf(this.outputs[name]!));
        outputs[name] = { shape, data: typed(dtype, part) };
      });
      const times = clock && new BigUint64Array(bytes.slice(clockAt, clockAt + clock.bytes));
      const runMs = performance.now() - started;
      return { outputs, profile: profileOf(this.graph, this.plan, { runMs, submits, readbacks: 1 }, times) };
    } finally {
      staging.destroy();
      clock?.destroy();
    }
  }

  /**
   * One submit and no readback: what was found is used on the GPU. Resolves when the GPU is done. Nothing is waited
   * for before the submit, so that textures which live for one task only can take part.
   */
  async submit({ before, after }: SubmitOptions): Promise<RunProfile> {
    const started = performance.now();
    const placeOf = (tensor: Tensor) => this.placeOf(tensor);
    await checked(this.device, 'drawing', () => {
      const encoder = this.device.createCommandEncoder({ label: 'maskrcnn' });
      before?.(encoder, placeOf);
      this.encode(encoder);
      after(encoder, placeOf);
      this.device.queue.submit([encoder.finish()]);
    });
    await unlessLost(this.device, this.device.queue.onSubmittedWorkDone(), 'the work was not finished');
    const runMs = performance.now() - started;
    return profileOf(this.graph, this.plan, { runMs, submits: 1, readbacks: 0 });
  }

  /** All parts but the last, where progress is to be told; which node comes next, and how many submits there are. */
  private async runParts(
    { onProgress, before }: RunOptions,
    clock: NodeClock | undefined,
  ): Promise<{ first: number; submits: number }> {
    const costs = this.graph.nodes.map(({ dispatch }) => dispatch.macs);
    const total = costs.reduce((a, b) => a + b, 0);
    let [first, submits, done, undone] = [0, 1, 0, 0];
    for (let i = 0; onProgress && i < costs.length - 1; i++) {
      undone += costs[i]!;
      if (undone < total / PARTS) continue;
      await checked(this.device, 'running', () => {
        const encoder = this.device.createCommandEncoder({ label: 'maskrcnn' });
        if (first === 0) before?.(encoder, (tensor) => this.placeOf(tensor));
        this.encode(encoder, clock, first, i + 1);
        this.device.queue.submit([encoder.finish()]);
      });
      await unlessLost(this.device, this.device.queue.onSubmittedWorkDone(), 'the work was not finished');
      [first, submits, done, undone] = [i + 1, submits + 1, done + undone, 0];
      onProgress(done / total);
    }
    return { first, submits };
  }

  /** Nodes `first` to before `end` in one pass; in a pass each where they are timed. */
  private encode(encoder: GPUCommandEncoder, clock?: NodeClock, first = 0, end = this.steps.length): void {
    let pass = clock ? undefined : encoder.beginComputePass();
    for (let i = first; i < end; i++) {
      const { node, pipeline, bindGroup } = this.steps[i]!;
      if (clock) pass = encoder.beginComputePass({ label: node.label, timestampWrites: clock.around(i) });
      pass?.setPipeline(pipeline.pipeline);
      pass?.setBindGroup(0, bindGroup);
      pass?.dispatchWorkgroups(...node.dispatch.workgroups);
      if (clock) pass?.end();
    }
    if (!clock) pass?.end();
  }

  /** Frees the buffers that are the program's own; weights are not. */
  destroy(): void {
    for (const buffer of this.owned) buffer.destroy();
    this.owned.length = 0;
  }
}

/** All variants that the graph needs, compiled in parallel; in the order of the nodes. */
export function compileAll(device: GPUDevice, graph: Graph): Promise<Pipeline[]> {
  return Promise.all(graph.nodes.map((node) => pipelineFor(device, node.kernel, node.dispatch)));
}

function typed(dtype: Dtype, bytes: ArrayBuffer): Float32Array | Uint32Array {
  if (dtype === 'f16') return numbersOfHalves(bytes);
  return dtype === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes);
}
