// In the browser: times one engine on one layer, or on the whole network, and compares its numbers with ours.
// page.html loads it; main.ts calls `peers` from outside.

import { compareFound, type Difference, difference, type Found, type FoundDifference } from './compare';
import { LAYER_CASES, type LayerCase, type LayerData, layerData } from './layer_cases';
import { litertLayer } from './litert';
import { foundByOnnx, fromOnnx, onnxDetector, onnxLayer, type Provider } from './onnxruntime';
import { foundByUs, ourDetector, ourLayer, type Picture } from './ours';
import { tfjsLayer } from './tfjs';
import { type Limits, type Ready, type Timing, timed } from './timing';

export type Engine = 'ours' | 'tfjs' | 'litert' | `ort-${Provider}`;

/** What main.ts has served beside the page. */
export interface PictureSettings {
  width: number;
  height: number;
  minSize: number;
  maxSize: number;
}

export interface Peers {
  adapter(): Promise<string>;
  layer(
    engine: Engine,
    name: string,
    limits: Limits,
  ): Promise<{ timing: Timing; difference: Difference | undefined }>;
  detect(
    engine: Engine,
    settings: PictureSettings,
    limits: Limits,
  ): Promise<{ timing: Timing; found: number; difference: FoundDifference | undefined }>;
}

declare global {
  var peers: Peers;
}

/** Our own results, by layer, and of the picture; one run where they are not there yet. */
const ourOutputs = new Map<string, Float32Array>();
let ourFound: Found | undefined;

const ONE_RUN: Limits = { runs: 0, limitMs: 0 };

globalThis.peers = {
  async adapter() {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) throw new Error('this browser has no WebGPU adapter');
    const { vendor, architecture, description } = adapter.info;
    return [vendor, architecture, description].filter(Boolean).join(' ');
  },

  async layer(engine, name, limits) {
    const layer = LAYER_CASES.find((known) => known.name === name)!;
    const data = layerData(layer);
    if (engine !== 'ours' && !ourOutputs.has(name)) {
      ourOutputs.set(name, (await timed(() => ourLayer(layer, data), ONE_RUN)).result);
    }
    const { timing, result } = await timed(() => layerOf(engine, layer, data), limits);
    if (engine === 'ours') ourOutputs.set(name, result);
    const output = engine.startsWith('ort-') ? fromOnnx(layer, result) : result;
    return {
      timing,
      difference: engine === 'ours' ? undefined : difference(ourOutputs.get(name)!, output),
    };
  },

  async detect(engine, settings, limits) {
    const picture: Picture = { ...settings, data: await bytesOf('/picture') };
    if (engine === 'ours') {
      const { timing, result } = await detectOurselves(picture, settings, limits);
      ourFound = foundByUs(result);
      return { timing, found: result.detections.length, difference: undefined };
    }
    ourFound ??= foundByUs((await detectOurselves(picture, settings, ONE_RUN)).result);
    const provider = engine.slice('ort-'.length) as Provider;
    const file = await bytesOf('/model.onnx');
    const { timing, result } = await timed(() => onnxDetector(provider, file, picture), limits);
    const found = foundByOnnx(result);
    return { timing, found: found.scores.length, difference: compareFound(ourFound, found) };
  },
};

function layerOf(engine: Engine, layer: LayerCase, data: LayerData): Promise<Ready<Float32Array>> {
  if (engine === 'ours') return ourLayer(layer, data);
  if (engine === 'tfjs') return tfjsLayer(layer, data);
  if (engine === 'litert') return litertLayer(layer, data);
  return onnxLayer(engine.slice('ort-'.length) as Provider, layer, data);
}

async function detectOurselves(picture: Picture, { minSize, maxSize }: PictureSettings, limits: Limits) {
  const { buffer } = await bytesOf('/weights.safetensors');
  return timed(() => ourDetector(buffer, picture, { minSize, maxSize }), limits);
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}
