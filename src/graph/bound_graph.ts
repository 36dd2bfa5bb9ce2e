// A small graph with buffers of its own, to run as often as one likes in a pass of one's own: for tuning and for
// benchmarks. Its tensors stay in the caches between runs where they fit, as a layer's input does in the model.

import { ShapeError } from '../errors';
import { bytesOf } from '../kernels/kernel';
import { type Pipeline, pipelineFor } from '../kernels/pipelines';
import { packParams } from '../kernels/specialise';
import { checked } from './checked';
import type { Graph, Tensor } from './graph';

/** Numbers of f32 and u32; of f16 the halves, two to a word. */
export type HostData = Float32Array | Uint32Array;

interface Step {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

export class BoundGraph {
  private readonly buffers = new Map<Tensor, GPUBuffer>();
  private readonly owned: GPUBuffer[] = [];
  private steps: Step[] = [];

  private constructor(
    private readonly device: GPUDevice,
    readonly graph: Graph,
  ) {}

  /** Compiles and fills. `data` by the graph's own tensors; what it lacks, and what nodes write, starts as zeros. */
  static async create(
    device: GPUDevice,
    graph: Graph,
    data: ReadonlyMap<Tensor, HostData>,
  ): Promise<BoundGraph> {
    const pipelines = await Promise.all(
      graph.nodes.map((node) => pipelineFor(device, node.kernel, node.dispatch)),
    );
    const bound = new BoundGraph(device, graph);
    try {
      await checked(device, graph.nodes[0]?.label ?? 'an empty graph', () => bound.bind(pipelines, data));
    } catch (error) {
      bound.destroy();
      throw error;
    }
    return bound;
  }

  private bind(pipelines: readonly Pipeline[], data: ReadonlyMap<Tensor, HostData>): void {
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage;
    this.steps = this.graph.nodes.map((node, i) => {
      const { pipeline, layout, bindings, text } = pipelines[i]!;
      const tensors = { ...node.inputs, ...node.outputs };
      const entries = [...bindings].map(([name, binding]) => {
        if (name === 'params') {
          const params = packParams(text, node.dispatch.params, node.kernel.name);
          return {
            binding,
            resource: { buffer: this.buffer(params.byteLength, UNIFORM | COPY_DST, params) },
          };
        }
        const tensor = tensors[name];
        if (!tensor) throw new ShapeError(`${node.label}: nothing to bind to '${name}'`);
        let buffer = this.buffers.get(tensor);
        if (!buffer) {
          const size = bytesOf(tensor);
          buffer = this.buffer(size, STORAGE | COPY_SRC | COPY_DST, data.get(tensor));
          this.buffers.set(tensor, buffer);
        }
        return { binding, resource: { buffer } };
      });
      const bindGroup = this.device.createBindGroup({ label: node.label, layout, entries });
      return { pipeline, bindGroup, workgroups: node.dispatch.workgroups };
    });
  }

  private buffer(bytes: number, usage: number, data?: HostData | ArrayBuffer): GPUBuffer {
    const buffer = this.device.createBuffer({ size: Math.max(16, bytes), usage });
    this.owned.push(buffer);
    if (data?.byteLength) this.device.queue.writeBuffer(buffer, 0, data as unknown as BufferSource);
    return buffer;
  }

  /** All nodes, `repeats` times in a row. */
  encode(pass: GPUComputePassEncoder, repeats = 1): void {
    for (let i = 0; i < repeats; i++) {
      for (const { pipeline, bindGroup, workgroups } of this.steps) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
  }

  /** Runs all nodes once, over outputs full of NaN, so that what is not written shows; what `tensor` then holds. */
  async runOnce(tensors: readonly Tensor[]): Promise<Map<Tensor, HostData>> {
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const staging = tensors.map((tensor) =>
      this.device.createBuffer({
        size: Math.max(16, bytesOf(tensor)),
        usage: MAP_READ | COPY_DST,
      }),
    );
    try {
      await checked(this.device, this.graph.nodes[0]!.label, () => {
        for (const tensor of tensors) {
          const ones = new Uint32Array(bytesOf(tensor) / 4).fill(0xffffffff);
          this.device.queue.writeBuffer(this.buffers.get(tensor)!, 0, ones);
        }
        const encoder = this.device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        this.encode(pass);
        pass.end();
        tensors.forEach((tensor, i) => {
          const bytes = bytesOf(tensor);
          encoder.copyBufferToBuffer(this.buffers.get(tensor)!, 0, staging[i]!, 0, bytes);
        });
        this.device.queue.submit([encoder.finish()]);
      });
      await Promise.all(staging.map((buffer) => buffer.mapAsync(GPUMapMode.READ)));
      return new Map(tensors.map((tensor, i) => [tensor, typed(tensor, staging[i]!)]));
    } finally {
      for (const buffer of staging) buffer.destroy();
    }
  }

  destroy(): void {
    for (const buffer of this.owned) buffer.destroy();
    this.owned.length = 0;
    this.steps = [];
  }
}

function typed(tensor: Tensor, mapped: GPUBuffer): HostData {
  const bytes = mapped.getMappedRange(0, bytesOf(tensor)).slice(0);
  return tensor.dtype === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes);
}
