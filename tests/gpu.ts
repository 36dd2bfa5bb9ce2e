// A GPU device for tests: Dawn for Node on whatever Vulkan adapter the machine has (Mesa's llvmpipe
// or SwiftShader where there is no GPU). Every GPU error fails the test that caused it.

import { afterAll } from 'vitest';
import type { Dtype, TensorSpec } from '../src/kernels/kernel';
import { bytesOf, type Kernel } from '../src/kernels/kernel';
import { pipelineFor } from '../src/kernels/pipelines';
import { packParams } from '../src/kernels/specialise';
import { openDevice } from '../src/node_device';
import { toFloat16, toFloat32 } from '../src/weights/float16';

/** A tensor on the host, dense and row-major; of f16, the numbers. */
export interface HostTensor extends TensorSpec {
  data: Float32Array | Uint32Array;
}

let device: Promise<GPUDevice> | undefined;

/** The test device, with default limits only, shared by a test file. */
export function testDevice(): Promise<GPUDevice> {
  device ??= openDevice();
  return device;
}

afterAll(async () => {
  (await device)?.destroy();
  device = undefined;
});

const { STORAGE, COPY_SRC, COPY_DST, UNIFORM, MAP_READ } = {
  STORAGE: 0x80,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  MAP_READ: 0x1,
};

function upload(
  gpuDevice: GPUDevice,
  data: Float32Array | Uint32Array | ArrayBuffer,
  usage: number,
): GPUBuffer {
  const size = Math.max(16, data.byteLength);
  const buffer = gpuDevice.createBuffer({ size, usage: usage | COPY_DST | COPY_SRC });
  if (data.byteLength) gpuDevice.queue.writeBuffer(buffer, 0, data as unknown as BufferSource);
  return buffer;
}

function typed(dtype: Dtype, bytes: ArrayBuffer): Float32Array | Uint32Array {
  if (dtype === 'f16') return toFloat32('F16', new Uint8Array(bytes));
  return dtype === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes);
}

/** Reads a buffer back. */
export async function download(gpuDevice: GPUDevice, buffer: GPUBuffer, spec: TensorSpec) {
  const size = bytesOf(spec);
  const staging = gpuDevice.createBuffer({ size: Math.max(16, size), usage: MAP_READ | COPY_DST });
  const encoder = gpuDevice.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  gpuDevice.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const data = typed(spec.dtype, staging.getMappedRange(0, size).slice(0));
  staging.destroy();
  return data;
}

/** Runs one kernel once. Outputs start full of 0xFFFFFFFF (a NaN), so what is not written shows. */
export async function runKernel<A>(
  // biome-ignore lint/suspicious/noExplicitAny: the inputs' names are the kernel's own
  kernel: Kernel<any, A>,
  inputs: Record<string, HostTensor | undefined>,
  attributes: A,
): Promise<Record<string, Float32Array | Uint32Array>> {
  const gpuDevice = await testDevice();
  const dispatch = kernel.dispatch(inputs, attributes);
  gpuDevice.pushErrorScope('validation');
  gpuDevice.pushErrorScope('out-of-memory');
  const { pipeline, layout, bindings, text } = await pipelineFor(gpuDevice, kernel, dispatch);
  const buffers: Record<string, GPUBuffer> = {};
  if (bindings.has('params')) {
    buffers.params = upload(gpuDevice, packParams(text, dispatch.params, kernel.name), UNIFORM);
  }
  for (const [name, tensor] of Object.entries(inputs)) {
    if (!tensor) continue;
    const half = tensor.dtype === 'f16' && toFloat16(tensor.data as Float32Array).buffer;
    buffers[name] = upload(gpuDevice, half || tensor.data, STORAGE);
  }
  for (const [name, spec] of Object.entries(dispatch.outputs)) {
    buffers[name] = upload(gpuDevice, new Uint32Array(bytesOf(spec) / 4).fill(0xffffffff), STORAGE);
  }
  const entries = [...bindings].map(([name, binding]) => {
    const buffer = buffers[name];
    if (!buffer) throw new Error(`${kernel.name}: nothing to bind to ${name}`);
    return { binding, resource: { buffer } };
  });
  const encoder = gpuDevice.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpuDevice.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(...dispatch.workgroups);
  pass.end();
  gpuDevice.queue.submit([encoder.finish()]);
  const results: Record<string, Float32Array | Uint32Array> = {};
  for (const [name, spec] of Object.entries(dispatch.outputs)) {
    results[name] = await download(gpuDevice, buffers[name]!, spec);
  }
  for (const buffer of Object.values(buffers)) buffer.destroy();
  const errors = [await gpuDevice.popErrorScope(), await gpuDevice.popErrorScope()];
  for (const error of errors) if (error) throw error;
  return results;
}
