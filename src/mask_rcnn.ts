// The public API: load a checkpoint on a device, detect in pictures.

import { type Detection, detectionsOf } from './detection';
import type { DrawOptions, DrawResult, Painter } from './draw';
import { DeviceLostError } from './errors';
import type { Tensor } from './graph/graph';
import type { RunProfile } from './graph/profile';
import { type Encode, type HostTensor, Program } from './graph/program';
import { type ImageSource, pixelsOf, sizeOf } from './image';
import { type Tuning, traitsOf } from './kernels/methods';
import { type Loaded, type LoadOptions, loadParts } from './load';
import { cocoNames } from './model/coco';
import type { Config } from './model/config';
import type { Checkpoint, Computing } from './model/layers';
import { hasMasks, kindOf, type Network, withoutMasks } from './model/mask_rcnn';
import { type BuildNetwork, checkShaders, networkBuilder } from './model/networks';
import type { Size } from './model/transform';
import type { TextureImport } from './texture_import';
import { isTextureSource, type TextureSource } from './texture_source';
import { adapterKey, localTunings, mergeTunings, type TuningStore } from './tuning_store';
import type { ModelSource } from './weights/model_source';

export interface DetectOptions {
  /** Only detections of at least this score, on top of the model's own threshold. */
  scoreThreshold?: number;
  /** false: without the mask head, which makes of a Mask R-CNN the Faster R-CNN in it. Default: as the checkpoint is. */
  masks?: boolean;
  /** Gives up before the GPU is asked, or drops the result. */
  signal?: AbortSignal;
  /** Report the run, with the GPU time of every node where the device has timestamp-query. */
  profile?: boolean;
  /** Labels of nodes whose outputs are wanted too, as `describe` lists them. */
  tensors?: readonly string[];
}

export interface TuneModelOptions {
  /** Called before each of the things that are timed. */
  onProgress?: (progress: { done: number; total: number; what: string }) => void;
  /** Stops the tuning; nothing is kept then. */
  signal?: AbortSignal;
}

export interface DetectResult {
  /** By descending score. */
  detections: Detection[];
  /** Of the picture, in pixels. */
  width: number;
  height: number;
  /** Milliseconds: to prepare for a picture of a new size, and from upload to results. */
  timing: { prepareMs: number; runMs: number };
  profile?: RunProfile;
  /** What `tensors` asked for, by label. */
  tensors?: Record<string, HostTensor>;
}

/** A row of the layer table. */
export interface LayerRow {
  label: string;
  kernel: string;
  shape: readonly number[];
  macs: number;
  /** Bytes of the node's output. */
  bytes: number;
}

/** What a program is made for, besides a size. */
type Wanted = Pick<DetectOptions, 'masks' | 'tensors'>;

interface Prepared {
  readonly key: string;
  readonly network: Network;
  readonly program: Program;
}

/** A picture that is ready to be looked at: in its program's input, or put there by `before` within the submit. */
interface Input extends Prepared {
  readonly size: Size;
  readonly before?: Encode;
}

export class MaskRCNN {
  readonly device: GPUDevice;
  /** The numbers in force: the reference's defaults, the file's metadata, the options of `load`. */
  readonly config: Readonly<Config>;
  /** The checkpoint's tensors: names, dtypes, shapes. */
  readonly checkpoint: Checkpoint;
  /** Milliseconds of loading; the two run side by side. */
  readonly timing: { readonly compileMs: number; readonly uploadMs: number };
  /** How layers are computed on this device: what `tune` and `precision` have decided. */
  readonly computing: Computing;
  private readonly build: BuildNetwork;
  private readonly weights: Map<string, GPUBuffer>;
  private readonly ownsDevice: boolean;
  private textures: TextureImport | undefined;
  private painter: Painter | undefined;
  private prepared: Prepared | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private gone: string | undefined;

  protected constructor(
    loaded: Loaded,
    private readonly tunings: TuningStore,
  ) {
    this.device = loaded.device;
    this.ownsDevice = loaded.ownsDevice;
    this.checkpoint = loaded.checkpoint;
    this.config = loaded.config;
    this.computing = loaded.computing;
    this.build = loaded.build;
    this.weights = loaded.weights;
    this.timing = loaded.timing;
    this.device.lost.then(({ message, reason }) => {
      this.gone ??= `the GPU device was lost (${reason || 'unknown'}): ${message || 'no reason given'}; load the model anew`;
    });
  }

  /**
   * Reads a safetensors file with torchvision's names, or a published model by its name, and brings it to the GPU
   * while the kernels compile. Throws WeightError for a file that is not what it should be, UnsupportedError where there is no WebGPU.
   */
  static async load(source: ModelSource, options: LoadOptions = {}): Promise<MaskRCNN> {
    return new MaskRCNN(await loadParts(source, options), localTunings);
  }

  /**
   * Finds objects in a picture. Calls may overlap: they queue. One GPU submit and one readback. Videos, frames,
   * canvases and bitmaps are taken as they are when their turn comes, without a copy on the CPU.
   */
  detect(image: ImageSource, options: DetectOptions = {}): Promise<DetectResult> {
    return this.inTurn('detect', options.signal, () => this.run(image, options));
  }

  /**
   * Finds objects in a picture, and draws the picture with their masks, outlines and boxes on a WebGPU canvas, as
   * large as it fits. One GPU submit and no readback, so no labels: text needs to know what was found, as `detect`
   * tells. Resolves when it is drawn; await it before the next frame. Calls queue, with those of `detect`.
   *
   * `context` is `canvas.getContext('webgpu')`. One that is not configured yet is configured here, with the preferred
   * format and transparent bars; one that is must be of `model.device`. The canvas's pixels are its `width` and
   * `height`: set them to what it takes on the screen. Throws ImageError, CanvasError, DeviceLostError.
   */
  draw(image: ImageSource, context: GPUCanvasContext, options: DrawOptions = {}): Promise<DrawResult> {
    return this.inTurn('draw', options.signal, async () => {
      const started = performance.now();
      const { maskPaste: paste } = this.config;
      const traits = { classes: this.classCount(), masks: hasMasks(this.checkpoint), paste };
      const { Painter } = await import('./draw'); // many only detect
      this.painter ??= new Painter(this.device);
      const after = await this.painter.prepare(context, traits, options);
      const { network, program, size, before } = await this.enter(image);
      const prepareMs = performance.now() - started;
      this.checkAlive('draw');
      const profile = await program.submit({ before, after: after(network) });
      return {
        width: size.width,
        height: size.height,
        timing: { prepareMs, runMs: profile.runMs },
        ...(options.profile ? { profile } : {}),
      };
    });
  }

  /**
   * Finds the fastest kernels for pictures of this size on this device by timing them all, which takes a while, and keeps the result for this adapter: the next `load` uses it.
   */
  async tune(height: number, width: number, options: TuneModelOptions = {}): Promise<Tuning> {
    this.checkAlive('tune');
    const { precision } = this.computing;
    const { tune } = await import('./tune'); // few need it
    const found = await tune(
      this.device,
      (computing) => this.build(this.checkpoint, this.config, { height, width }, computing).graph,
      { ...options, precision, traits: traitsOf(this.device), adapter: adapterKey(this.device, precision) },
    );
    const all = mergeTunings(await this.tunings.get(found.adapter), found);
    await this.tunings.set(all);
    return all;
  }

  /** What would run for a picture of this size: a row for each node, without running it. */
  describe(height: number, width: number, { masks = true }: Pick<DetectOptions, 'masks'> = {}): LayerRow[] {
    const checkpoint = masks ? this.checkpoint : withoutMasks(this.checkpoint);
    return layerRows(this.build(checkpoint, this.config, { height, width }, this.computing));
  }

  /** The WGSL text of every kernel that runs for a picture of this size, by name: what `load`'s `shaders` may replace. */
  shaders(height: number, width: number): Record<string, string> {
    const { nodes } = this.build(this.checkpoint, this.config, { height, width }, this.computing).graph;
    return Object.fromEntries(nodes.map(({ kernel }) => [kernel.name, kernel.source]));
  }

  /** Frees the GPU's memory. Detections under way fail with DeviceLostError. */
  destroy(): void {
    this.gone ??= 'the model was destroyed';
    this.prepared?.program.destroy();
    this.prepared = undefined;
    this.textures?.destroy();
    this.painter?.destroy();
    for (const buffer of this.weights.values()) buffer.destroy();
    this.weights.clear();
    if (this.ownsDevice) this.device.destroy();
  }

  private checkAlive(call = 'detect'): void {
    if (this.gone) throw new DeviceLostError(`${call}: ${this.gone}`);
  }

  /** Does `work` after all calls before it. */
  private inTurn<T>(call: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(async () => {
      signal?.throwIfAborted();
      this.checkAlive(call);
      try {
        const result = await work();
        this.checkAlive(call);
        signal?.throwIfAborted();
        return result;
      } catch (error) {
        this.checkAlive(call); // what fails because the device or the model has gone, says so
        throw error;
      }
    });
    this.queue = turn.catch(() => {});
    return turn;
  }

  private async run(image: ImageSource, options: DetectOptions): Promise<DetectResult> {
    const started = performance.now();
    const { program, size, before } = await this.enter(image, options);
    const prepareMs = performance.now() - started;
    this.checkAlive();
    const { outputs, profile } = await program.run({ profile: options.profile ?? false, before });
    const detections = detectionsOf(outputs, size, this.classNames(), this.config);
    const wanted = options.scoreThreshold ?? 0;
    return {
      detections: detections.filter(({ score }) => score >= wanted),
      width: size.width,
      height: size.height,
      timing: { prepareMs, runMs: profile.runMs },
      ...(options.profile ? { profile } : {}),
      ...(options.tensors
        ? { tensors: Object.fromEntries(options.tensors.map((label) => [label, outputs[label]!])) }
        : {}),
    };
  }

  /** The program for a picture, and the picture on its way in. */
  private async enter(image: ImageSource, wanted: Wanted = {}): Promise<Input> {
    if (isTextureSource(image, this.device)) return this.enterTexture(image, wanted);
    const pixels = pixelsOf(image);
    const prepared = await this.prepare(pixels, wanted);
    this.checkAlive();
    prepared.program.write(prepared.network.pixels, pixels.words);
    return { ...prepared, size: pixels };
  }

  private async enterTexture(image: TextureSource, wanted: Wanted): Promise<Input> {
    const { TextureImport } = await import('./texture_import'); // canvases, bitmaps and videos only
    this.textures ??= new TextureImport(this.device);
    const { textures } = this;
    await textures.compile(image);
    let size = sizeOf(image);
    let prepared = await this.prepare(size, wanted);
    for (let now = sizeOf(image); !same(now, size); now = sizeOf(image)) {
      size = now; // a video's may change meanwhile
      prepared = await this.prepare(size, wanted);
    }
    const { pixels } = prepared.network;
    const before: Encode = (encoder, placeOf) => textures.encode(encoder, image, size, placeOf(pixels));
    return { ...prepared, size, before };
  }

  /** The program for pictures of this size; made anew when the size changes. */
  private async prepare(
    { height, width }: Size,
    { masks = true, tensors: labels = [] }: Wanted,
  ): Promise<Prepared> {
    const key = `${height} x ${width} ${masks ? '' : 'without masks'} ${labels.join(' ')}`;
    if (this.prepared?.key === key) return this.prepared;
    this.prepared?.program.destroy();
    this.prepared = undefined;
    const checkpoint = masks ? this.checkpoint : withoutMasks(this.checkpoint);
    const network = this.build(checkpoint, this.config, { height, width }, this.computing);
    const outputs: Record<string, Tensor> = { ...network.outputs };
    for (const label of labels) outputs[label] = network.graph.find(label);
    checkShaders(network.graph, this.computing);
    const program = await Program.create(this.device, network.graph, this.weights, outputs);
    if (this.gone) program.destroy(); // meanwhile
    this.checkAlive();
    this.prepared = { key, network, program };
    return this.prepared;
  }

  private classNames(): (index: number) => string {
    const names = this.config.classes ?? cocoNames(this.classCount(), kindOf(this.checkpoint) === 'keypoint');
    return (index) => names[index] ?? `class ${index}`;
  }

  /** With the background. */
  private classCount(): number {
    return this.checkpoint.get('roi_heads.box_predictor.cls_score.weight')?.shape[0] ?? 0;
  }
}

function same(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The layer table of a checkpoint for a picture of a given size. Needs no device: then every layer is by its definition. */
export async function describe(
  checkpoint: Checkpoint,
  config: Config,
  size: Size,
  computing?: Computing,
): Promise<LayerRow[]> {
  const build = await networkBuilder(checkpoint, config);
  return layerRows(build(checkpoint, config, size, computing));
}

function layerRows({ graph }: Network): LayerRow[] {
  return graph.nodes.map((node) => {
    const shape = Object.values(node.outputs)[0]?.shape ?? [];
    const bytes = Object.values(node.dispatch.outputs).reduce(
      (sum, output) => sum + 4 * output.shape.reduce((a, b) => a * b, 1),
      0,
    );
    return { label: node.label, kernel: node.kernel.name, shape, macs: node.dispatch.macs, bytes };
  });
}
