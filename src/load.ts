// From a source of weights to what a model is made of: read, named, configured, compiled, uploaded.

import { requestDevice } from './device';
import { ShapeError, WeightError } from './errors';
import { compileAll } from './graph/program';
import { warmUp } from './graph/warm_up';
import { type Methods, methodsFor, type Tuning, traitsOf } from './kernels/methods';
import { COCO_CATEGORIES, cocoNames } from './model/coco';
import { type Config, type ConfigOptions, configure } from './model/config';
import type { Checkpoint, CheckpointTensor, Computing } from './model/layers';
import { kindOf, pyramidLevels } from './model/mask_rcnn';
import { type BuildNetwork, networkBuilder } from './model/networks';
import { profileOf } from './model/profiles';
import { adapterKey, localTunings, type TuningStore } from './tuning_store';
import type { WeightSource } from './weights/byte_source';
import type { WeightAxes } from './weights/converter';
import { LayerLoader } from './weights/layer_loader';
import {
  caffe2Files,
  type FetchedOptions,
  type ModelSource,
  type OpenFolder,
  type OpenOptions,
  openAddress,
} from './weights/model_source';
import type { NameMap } from './weights/names';
import { splitCompanions } from './weights/quantised';
import { readWeights } from './weights/read_weights';
import type { Progress, SafetensorsHeader, TensorInfo } from './weights/safetensors';

export interface LoadOptions extends ConfigOptions, FetchedOptions {
  /** WGSL texts that take the place of kernels' own, by the kernels' names (`MaskRCNN.shaders`). */
  shaders?: Readonly<Record<string, string>>;
  /**
   * What maps and weights are stored as; sums are float32 always. f32: as the reference. f16: half the memory;
   * boxes differ by less than a pixel. auto: f16 on a GPU that computes in it (shader-f16),
   * else f32. Default f32.
   */
  precision?: 'f32' | 'f16' | 'auto';
  /**
   * Which kernels are the fastest here, as `tune` has measured. Default: what `tune` has kept for this adapter, or
   * the rules that ship. null: those rules, whatever has been kept.
   */
  tuning?: Tuning | null;
  /** direct: every layer by its definition, one node each, as for teaching. Default: fastest. */
  algorithm?: 'fastest' | 'direct';
  /** Default: a new one with default limits, which `destroy` then frees. */
  device?: GPUDevice;
  /** Called as the file arrives, in bytes. */
  onProgress?: (progress: Progress & { stage: 'weights' }) => void;
  /** Stops the loading. */
  signal?: AbortSignal;
}

/** What `load` has read and made. */
export interface Loaded {
  device: GPUDevice;
  ownsDevice: boolean;
  checkpoint: Checkpoint;
  config: Config;
  computing: Computing;
  build: BuildNetwork;
  weights: Map<string, GPUBuffer>;
  /** Milliseconds of loading; the two run side by side. */
  timing: { readonly compileMs: number; readonly uploadMs: number };
}

/** What a checkpoint is: its tensors by the engine's names, and the numbers that hold for it. */
export interface Interpreted {
  tensors: Map<string, TensorInfo>;
  config: Config;
  /** The engine's name of a tensor of the file, or undefined for what is no weight. */
  nameOf: NameMap;
}

/**
 * The tensors by torchvision's current names, and the configuration that follows from header and options. The family
 * is that of the `architecture` of the options, or of the metadata, or the one whose names these are.
 */
export function interpret(header: SafetensorsHeader, options: ConfigOptions = {}): Interpreted {
  const { metadata } = header;
  const architecture = options.architecture ?? metadata.architecture;
  const listed = header.tensors.map(({ name, shape }) => `${name} [${shape}]`);
  const profile = profileOf(architecture, listed);
  const tensors = new Map<string, TensorInfo>();
  for (const tensor of header.tensors) {
    const name = profile.names(tensor.name);
    if (name === undefined) continue;
    if (tensors.has(name))
      throw new WeightError(`the checkpoint holds ${name} twice: also as ${tensor.name}`);
    tensors.set(name, tensor);
  }
  const family = { architecture: profile.called(kindOf(tensors)), ...profile.config };
  const config = configure(metadata, options, family, pyramidLevels(tensors));
  return { tensors, config, nameOf: profile.names };
}

/** Names by class index, the background's first: those of the configuration, or COCO's by their number, or none. */
export function namesOf({ tensors, config }: Omit<Interpreted, 'nameOf'>): readonly string[] {
  if (config.classes) return config.classes;
  return cocoNames(classCount(tensors), kindOf(tensors) === 'keypoint');
}

/** How many classes the scores are of, with the background. */
export function classCount(tensors: Interpreted['tensors']): number {
  return tensors.get('roi_heads.box_predictor.cls_score.weight')?.shape[0] ?? 0;
}

/**
 * The layers that a file's weights make, and its configuration with the names of its classes. Throws WeightError if
 * they are no model.
 */
export async function networkOf(
  header: SafetensorsHeader,
  options: ConfigOptions = {},
): Promise<{ config: Config; axes: WeightAxes }> {
  const { weights } = splitCompanions(header.tensors);
  const { tensors, config } = interpret({ ...header, tensors: weights }, options);
  const size = { height: config.minSize, width: config.minSize };
  const build = await networkBuilder(tensors, config);
  const { graph } = build(tensors, config, size);
  const axes = new Map<string, [number, number, number]>();
  for (const { weight, pack } of graph.layers.values()) {
    const [first, second, height, width] = pack.shape;
    const taps = height * width;
    const name = tensors.get(weight)?.name;
    if (name !== undefined)
      axes.set(name, pack.transposed ? [first, second, taps] : [1, first, second * taps]);
  }
  const classes = namesOf({ tensors, config });
  return { config: classes.length > 0 ? { ...config, classes: [...classes] } : config, axes };
}

/** How to compute on this device. */
export async function computingFor(
  device: GPUDevice,
  { precision = 'f32', tuning, algorithm, shaders }: LoadOptions,
  store: TuningStore = localTunings,
): Promise<Computing> {
  const traits = traitsOf(device);
  const half = precision === 'f16' || (precision === 'auto' && traits.half && !traits.software);
  const stored = half ? 'f16' : 'f32';
  const kept = tuning === undefined ? await store.get(adapterKey(device, stored)) : tuning;
  const methods = methodsFor(traits, half, kept ?? undefined);
  const direct: Methods = { ...methods, algorithm: () => 'direct' };
  return {
    methods: algorithm === 'direct' ? direct : methods,
    precision: stored,
    ...(shaders && { shaders }),
  };
}

/** What `load` reads, for readWeights; a Caffe2 model as a safetensors file in memory. Throws WeightError. */
export async function openModel(
  source: ModelSource,
  options: OpenOptions = {},
  folder?: OpenFolder,
): Promise<WeightSource> {
  const files = caffe2Files(source, options.url);
  if (!files) return openAddress(source as WeightSource, options, folder);
  const { fromCaffe2 } = await import('./weights/caffe2_source'); // few need it
  return fromCaffe2(files, COCO_CATEGORIES, options, folder);
}

/** Reads, compiles and uploads; `MaskRCNN.load` without the object around it. */
export async function loadParts(
  source: ModelSource,
  options: LoadOptions,
  store?: TuningStore,
  folder?: OpenFolder,
): Promise<Loaded> {
  const { onProgress, signal, url, sha256, cache } = options;
  signal?.throwIfAborted();
  const started = performance.now();
  const device = options.device ?? (await requestDevice());
  const ownsDevice = !options.device;
  let loader: LayerLoader | undefined;
  let interpreted: Interpreted | undefined;
  let build: BuildNetwork | undefined;
  let compiled: Promise<number> = Promise.resolve(0);
  try {
    const computing = await computingFor(device, options, store);
    const report = onProgress && ((progress: Progress) => onProgress({ ...progress, stage: 'weights' }));
    const opened = await openModel(source, { onProgress: report, signal, url, sha256, cache }, folder);
    let companions: ReturnType<typeof splitCompanions>['companions'] = new Map();
    const nameOf = (name: string): string | undefined => {
      const part = companions.get(name);
      const owner = interpreted?.nameOf(part?.owner ?? name);
      return owner === undefined ? undefined : owner + (part?.suffix ?? '');
    };
    const header = await readWeights(
      opened,
      {
        async header(found) {
          const split = splitCompanions(found.tensors);
          companions = split.companions;
          interpreted = interpret({ ...found, tensors: split.weights }, options);
          const { tensors, config } = interpreted;
          // shapes of maps do not change which variants are compiled, so any size will do
          const size = { height: config.minSize, width: config.minSize };
          build = await networkBuilder(tensors, config);
          const { graph } = build(tensors, config, size, computing);
          const all = new Map(tensors);
          for (const tensor of found.tensors) {
            const name = companions.has(tensor.name) ? nameOf(tensor.name) : undefined;
            if (name !== undefined) all.set(name, tensor);
          }
          loader = new LayerLoader(device, graph.layers.values(), all, config);
          loader.compile();
          compiled = compileAll(device, graph)
            .then((pipelines) => warmUp(device, pipelines))
            .then(() => performance.now() - started);
          compiled.catch(() => {}); // awaited below; a failure of the download comes first
        },
        data: (tensor, offset, bytes) => {
          const name = nameOf(tensor.name);
          return name === undefined ? undefined : loader?.data(name, offset, bytes);
        },
      },
      {
        ...(report && !caffe2Files(source, url) && { onProgress: report }), // of these it was the download
        ...(signal && { signal }),
      },
    );
    if (!loader || !interpreted || !build)
      throw new ShapeError(`load: no header was read; got ${header.tensors.length} tensors`);
    const weights = await loader.finish();
    const uploadMs = performance.now() - started;
    const compileMs = await compiled;
    signal?.throwIfAborted();
    const { tensors, config } = interpreted;
    const checkpoint: Checkpoint = new Map(
      [...tensors].map(([name, { dtype, shape }]): [string, CheckpointTensor] => [
        name,
        { name, dtype, shape },
      ]),
    );
    const timing = { compileMs, uploadMs };
    return { device, ownsDevice, checkpoint, config, computing, build, weights, timing };
  } catch (error) {
    loader?.destroy();
    if (ownsDevice) device.destroy();
    throw error;
  }
}
