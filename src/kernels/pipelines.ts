// Compiles specialised kernels, each variant once per device, asynchronously and so in parallel.

import { ShaderError, type ShaderFault } from '../errors';
import type { Dispatch, Kernel } from './kernel';
import { bindingsOf, layoutOf, sourceLines, specialise } from './specialise';

/** A compiled variant of a kernel, with what the host needs to bind to it. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: ReadonlyMap<string, number>;
  /** The specialised WGSL. */
  readonly text: string;
}

type AnyKernel = Pick<Kernel, 'name' | 'source'>;
type Variant = Pick<Dispatch, 'constants'>;

/** By the kernel's text, then by name and constants. */
type Cache = Map<string, Map<string, Promise<Pipeline>>>;

const caches = new WeakMap<GPUDevice, Cache>();

/** The variant of `kernel` that `dispatch` wants; compiled at most once per device. Throws ShaderError. */
export function pipelineFor(device: GPUDevice, kernel: AnyKernel, dispatch: Variant): Promise<Pipeline> {
  const cache: Cache = caches.get(device) ?? new Map();
  caches.set(device, cache);
  const variants = cache.get(kernel.source) ?? new Map<string, Promise<Pipeline>>();
  cache.set(kernel.source, variants);
  const key = `${kernel.name} ${JSON.stringify(dispatch.constants)}`;
  const known = variants.get(key);
  if (known) return known;
  const compiled = compile(device, kernel, dispatch);
  variants.set(key, compiled);
  compiled.catch(() => variants.delete(key));
  return compiled;
}

async function compile(device: GPUDevice, kernel: AnyKernel, dispatch: Variant): Promise<Pipeline> {
  const text = specialised(kernel, dispatch);
  device.pushErrorScope('validation'); // what is wrong is told by the pipeline's promise
  const module = device.createShaderModule({ label: kernel.name, code: text });
  // not 'auto', which leaves out what a shader declares and does not use: an edited one may
  const layout = device.createBindGroupLayout({ label: kernel.name, entries: layoutOf(text) });
  const compiled = device.createComputePipelineAsync({
    label: kernel.name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: kernel.name },
  });
  device.popErrorScope().catch(() => {}); // a lost device's
  try {
    const pipeline = await compiled;
    return { pipeline, layout, bindings: bindingsOf(text), text };
  } catch (reason) {
    throw await explain(kernel, dispatch, module, reason);
  }
}

function specialised({ name, source }: AnyKernel, { constants }: Variant): string {
  try {
    return specialise(source, constants);
  } catch (cause) {
    const { message } = cause as Error;
    throw new ShaderError(`${name}: ${message}`, { cause, faults: [{ kernel: name, message }] });
  }
}

/** The compiler's messages, each with the five lines of the kernel's text around it. */
async function explain(
  { name, source }: AnyKernel,
  { constants }: Variant,
  module: GPUShaderModule,
  reason: unknown,
): Promise<Error> {
  const { messages } = await module.getCompilationInfo();
  const lineOf = sourceLines(source, constants);
  const faults = messages
    .filter(({ type }) => type === 'error')
    .map(({ lineNum, linePos, message }): ShaderFault => {
      const place = lineNum > 0 ? { line: lineOf(lineNum), column: linePos } : {};
      return { kernel: name, ...place, message };
    });
  if (!faults.length) faults.push({ kernel: name, message: String(reason) });
  return new ShaderError(faults.map((fault) => shown(fault, source)).join('\n'), { cause: reason, faults });
}

function shown({ kernel, line, column, message }: ShaderFault, source: string): string {
  if (line === undefined) return `${kernel}: ${message}`;
  const first = Math.max(1, line - 2);
  const near = source.split('\n').slice(first - 1, line + 2);
  return [`${kernel}:${line}:${column}: ${message}`, ...near.map((text, i) => `${first + i} | ${text}`)].join(
    '\n',
  );
}
