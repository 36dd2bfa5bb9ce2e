// Our engine, as the peers' harness sees it. A single layer goes through the model's own `Layers` and loader, with
// a made-up checkpoint, so that whatever the model would choose for it is what is measured.

import { requestDevice } from '../../src/device';
import { Graph, type Tensor } from '../../src/graph/graph';
import { Program } from '../../src/graph/program';
import { f32 } from '../../src/kernels/kernel';
import { computingFor, type LoadOptions } from '../../src/load';
import { type DetectResult, MaskRCNN } from '../../src/mask_rcnn';
import { type Checkpoint, Layers } from '../../src/model/layers';
import { LayerLoader } from '../../src/weights/layer_loader';
import { readSafetensors, type WeightSource } from '../../src/weights/safetensors';
import { writeSafetensors } from '../../src/weights/write_safetensors';
import type { Found } from './compare';
import { type LayerCase, type LayerData, weightShape } from './layer_cases';
import type { Ready } from './timing';

let device: Promise<GPUDevice> | undefined;

/** One for all layers: pipelines that a layer shares with an earlier one need not be compiled again. */
function ourDevice(): Promise<GPUDevice> {
  device ??= requestDevice();
  return device;
}

/** Input and output are on the host: a run uploads, computes and reads back. */
export async function ourLayer(layer: LayerCase, data: LayerData): Promise<Ready<Float32Array>> {
  const device = await ourDevice();
  const file = writeSafetensors([
    { name: 'layer.weight', dtype: 'F32', shape: weightShape(layer), data: data.weight },
    { name: 'layer.bias', dtype: 'F32', shape: [layer.outputs], data: data.bias },
  ]);
  const graph = new Graph();
  let loader: LayerLoader | undefined;
  let output: Tensor | undefined;
  const [N, H, W, C] = layer.input;
  const stored = Math.ceil(C / 4) * 4; // a picture's 3 channels are stored as 4, of which the last is 0
  const input = graph.input('input', f32(N, H, W, stored));
  const computing = await computingFor(device, {});
  await readSafetensors(file, {
    header({ tensors }) {
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      output = record(new Layers(graph, byName as Checkpoint, computing), layer, input);
      loader = new LayerLoader(device, graph.layers.values(), byName, { bnEps: 0 });
      loader.compile();
    },
    data: (tensor, offset, bytes) => loader!.data(tensor.name, offset, bytes),
  });
  const weights = await loader!.finish();
  const program = await Program.create(device, graph, weights, { output: output! });
  const values = stored === C ? data.input : widened(data.input, C, stored);
  return {
    async run() {
      program.write(input, values);
      return (await program.run()).outputs.output!.data as Float32Array;
    },
    destroy() {
      program.destroy();
      for (const buffer of weights.values()) buffer.destroy();
    },
  };
}

function record(layers: Layers, { kind, stride, padding }: LayerCase, input: Tensor): Tensor {
  if (kind === 'linear') return layers.linear('layer', input);
  if (kind === 'conv2d') return layers.conv2d('layer', input, { stride, padding });
  return layers.convTranspose2d('layer', input, { stride });
}

/** Zeros after each pixel's channels. */
function widened(data: Float32Array, from: number, to: number): Float32Array<ArrayBuffer> {
  const wide = new Float32Array((data.length / from) * to);
  for (let i = 0; i < data.length; i++) wide[Math.floor(i / from) * to + (i % from)] = data[i]!;
  return wide;
}

export interface Picture {
  /** RGBA. */
  data: Uint8Array;
  width: number;
  height: number;
}

/** The whole network, from a file in memory. */
export async function ourDetector(
  weights: WeightSource,
  picture: Picture,
  options: LoadOptions,
): Promise<Ready<DetectResult>> {
  const model = await MaskRCNN.load(weights, options);
  return { run: () => model.detect(picture), destroy: () => model.destroy() };
}

export function foundByUs({ detections }: DetectResult): Found {
  return {
    boxes: detections.flatMap(({ box }) => box),
    scores: detections.map(({ score }) => score),
    labels: detections.map(({ classIndex }) => classIndex),
    masks: detections.map(({ mask }) => mask!.bitmap()),
  };
}
