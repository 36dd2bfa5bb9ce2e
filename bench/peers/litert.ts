// LiteRT.js (once TensorFlow Lite) with its WebGPU accelerator.

import { type LayerCase, type LayerData, outputShape, toChannelsFirst } from './layer_cases';
import { type FlatBuffers, tfliteFile } from './tflite';
import type { Ready } from './timing';

/** What is used of its interface (@litertjs/core, dist/index.d.ts). */
interface LiteRt {
  loadLiteRt(folder: string, options: { jspi: boolean }): Promise<unknown>;
  loadAndCompile(model: Uint8Array, options: object): Promise<CompiledModel>;
  Tensor: new (data: Float32Array, shape: readonly number[]) => LiteRtTensor;
}

interface LiteRtTensor {
  data(): Promise<Float32Array>;
  moveTo(place: 'webgpu'): Promise<LiteRtTensor>;
  delete(): void;
}

interface CompiledModel {
  readonly isFullyAccelerated: boolean;
  run(input: LiteRtTensor): Promise<LiteRtTensor[]>;
  delete(): void;
}

let loading: Promise<LiteRt> | undefined;

function load(): Promise<LiteRt> {
  const name = '@litertjs/core'; // in page.html's import map
  loading ??= import(/* @vite-ignore */ name).then(async (litert: LiteRt) => {
    await litert.loadLiteRt('/modules/@litertjs/core/wasm/', { jspi: true });
    return litert;
  });
  return loading;
}

/** Input and output are on the host, channels last there. */
export async function litertLayer(layer: LayerCase, data: LayerData): Promise<Ready<Float32Array>> {
  const flatbuffers = 'flatbuffers';
  const file = tfliteFile((await import(/* @vite-ignore */ flatbuffers)) as FlatBuffers, layer, data);
  const litert = await load();
  const model = await litert.loadAndCompile(file, {
    accelerator: 'webgpu',
    gpuOptions: { precision: 'fp32' },
  });
  if (!model.isFullyAccelerated) throw new Error('LiteRT would run this layer on the processor');
  const rows = layer.kind === 'linear';
  const [N, H, W, C] = layer.input;
  const input = rows ? toChannelsFirst(data.input, layer.input) : data.input;
  const shape = rows ? [N, C * H * W] : layer.input;
  return {
    async run() {
      const x = new litert.Tensor(input, shape);
      const [y] = await model.run(x);
      const values = await y!.data();
      x.delete();
      y!.delete();
      if (values.length < outputShape(layer).reduce((a, b) => a * b)) {
        throw new Error(`LiteRT: got ${values.length} numbers`);
      }
      return values;
    },
    destroy: () => model.delete(),
  };
}
