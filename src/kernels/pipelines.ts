// Compiles specialised kernels, each variant once per device, asynchronously and so in parallel.

import { ShaderError } from '../errors';
import type { Dispatch, Kernel } from './kernel';
import { bindingsOf, specialise } from './specialise';

/** A compiled variant of a kernel, with what the host needs to bind to it. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: ReadonlyMap<string, number>;
  /** The specialised WGSL. */
  readonly text: string;
}

const caches = new WeakMap<GPUDevice, Map<string, Promise<Pipeline>>>();

type AnyKernel = Pick<Kernel, 'name' | 'source'>;
type Variant = Pick<Dispatch, 'constants'>;

/** The variant of `kernel` that `dispatch` wants; compiled at most once per device. */
export function pipelineFor(device: GPUDevice, kernel: AnyKernel, dispatch: Variant): Promise<Pipeline> {
  const cache = caches.get(device) ?? new Map<string, Promise<Pipeline>>();
  caches.set(device, cache);
  const key = `${kernel.name} ${JSON.stringify(dispatch.constants)}`;
  const known = cache.get(key);
  if (known) return known;
  const compiled = compile(device, kernel, dispatch);
  cache.set(key, compiled);
  compiled.catch(() => cache.delete(key));
  return compiled;
}

async function compile(device: GPUDevice, kernel: AnyKernel, dispatch: Variant): Promise<Pipeline> {
  const text = specialise(kernel.source, dispatch.constants);
  const module = device.createShaderModule({ label: kernel.name, code: text });
  const descriptor: GPUComputePipelineDescriptor = {
    label: kernel.name,
    layout: 'auto',
    compute: { module, entryPoint: kernel.name },
  };
  try {
    const pipeline = await device.createComputePipelineAsync(descriptor);
    return { pipeline, layout: pipeline.getBindGroupLayout(0), bindings: bindingsOf(text), text };
  } catch (reason) {
    throw await explain(kernel.name, text, module, reason);
  }
}

/** The compiler's messages, each with the five specialised lines around it. */
async function explain(name: string, text: string, module: GPUShaderModule, reason: unknown): Promise<Error> {
  const { messages } = await module.getCompilationInfo();
  const lines = text.split('\n');
  const faults = messages
    .filter((message) => message.type === 'error')
    .map(({ lineNum, linePos, message }) => {
      const near = lines.slice(Math.max(0, lineNum - 3), lineNum + 2);
      const shown = near.map((line, i) => `${Math.max(1, lineNum - 2) + i} | ${line}`).join('\n');
      return `${name}:${lineNum}:${linePos}: ${message}\n${shown}`;
    });
  return new ShaderError(faults.join('\n') || `${name}: ${String(reason)}`, { cause: reason });
}
