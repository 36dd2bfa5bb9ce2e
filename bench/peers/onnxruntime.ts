// onnxruntime-web: its WebGPU execution provider, and its WebAssembly one, each from a build of its own.

import type { Found } from './compare';
import { type LayerCase, type LayerData, outputShape, toChannelsFirst, toChannelsLast } from './layer_cases';
import { onnxFile, onnxShapes } from './onnx';
import type { Picture } from './ours';
import type { Ready } from './timing';

const FOLDER = '/modules/onnxruntime-web/dist/';

/** What is used of its interface (onnxruntime-common, dist/esm). */
interface Ort {
  env: { wasm: { wasmPaths: string; numThreads: number }; logLevel: string };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

interface OrtTensor {
  readonly data: Float32Array | BigInt64Array;
  readonly dims: readonly number[];
  dispose(): void;
}

type OnnxOutputs = Record<string, OrtTensor>;

interface Session {
  run(inputs: Record<string, OrtTensor>): Promise<OnnxOutputs>;
  release(): Promise<void>;
}

/** `nchw`: convolutions in the file's layout. The provider's default is channels last, with transposes around. */
export type Provider = 'webgpu' | 'webgpu-nchw' | 'wasm';

const loaded = new Map<string, Promise<Ort>>();

function load(build: 'webgpu' | 'wasm'): Promise<Ort> {
  const known = loaded.get(build);
  if (known) return known;
  const loading = import(/* @vite-ignore */ `${FOLDER}ort.${build}.min.mjs`).then((ort: Ort) => {
    ort.env.wasm.wasmPaths = FOLDER;
    ort.env.wasm.numThreads = navigator.hardwareConcurrency;
    ort.env.logLevel = 'error';
    return ort;
  });
  loaded.set(build, loading);
  return loading;
}

async function open(provider: Provider, file: Uint8Array): Promise<{ ort: Ort; session: Session }> {
  const gpu = provider !== 'wasm';
  const ort = await load(gpu ? 'webgpu' : 'wasm');
  const executionProvider =
    provider === 'webgpu-nchw' ? { name: 'webgpu', preferredLayout: 'NCHW' } : gpu ? 'webgpu' : 'wasm';
  const session = await ort.InferenceSession.create(file, { executionProviders: [executionProvider] });
  return { ort, session };
}

/** Input and output are on the host, channels first there. */
export async function onnxLayer(
  provider: Provider,
  layer: LayerCase,
  data: LayerData,
): Promise<Ready<Float32Array>> {
  const { ort, session } = await open(provider, onnxFile(layer, data));
  const input = toChannelsFirst(data.input, layer.input);
  return {
    async run() {
      const { y } = await session.run({ x: new ort.Tensor('float32', input, onnxShapes(layer).input) });
      return y!.data as Float32Array;
    },
    destroy: () => void session.release(),
  };
}

/** The output in our layout. */
export function fromOnnx(layer: LayerCase, output: Float32Array): Float32Array {
  return layer.kind === 'linear' ? output : toChannelsLast(output, outputShape(layer));
}

/** torchvision's network as scripts/export_onnx.py writes it: pixels [3, H, W] of 0..1 in, pasted masks out. */
export async function onnxDetector(
  provider: Provider,
  file: Uint8Array,
  picture: Picture,
): Promise<Ready<OnnxOutputs>> {
  const { ort, session } = await open(provider, file);
  const { width, height } = picture;
  const pixels = new Float32Array(3 * height * width);
  for (let i = 0; i < pixels.length; i++) {
    const [channel, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
    pixels[i] = picture.data[4 * pixel + channel]! / 255;
  }
  return {
    run: () => session.run({ image: new ort.Tensor('float32', pixels, [3, height, width]) }),
    destroy: () => void session.release(),
  };
}

export function foundByOnnx({ boxes, scores, labels, masks }: OnnxOutputs): Found {
  const probabilities = masks!.data as Float32Array;
  const [, , height, width] = masks!.dims as [number, number, number, number];
  const size = height * width;
  return {
    boxes: boxes!.data as Float32Array,
    scores: scores!.data as Float32Array,
    labels: Array.from(labels!.data as BigInt64Array, Number),
    masks: Array.from(scores!.data as Float32Array, (_, i) =>
      Uint8Array.from(probabilities.subarray(i * size, (i + 1) * size), (p) => (p > 0.5 ? 1 : 0)),
    ),
  };
}
