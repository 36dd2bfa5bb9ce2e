// One run of a model on a picture, taken apart: every node with its shapes, costs and shader, and every tensor when
// it is asked for. Works on the library's parts, not on `detect`: tensors stay on the GPU after the run.

import type { Detection } from '../../src/detection';
import { ShapeError } from '../../src/errors';
import type { Tensor } from '../../src/graph/graph';
import { type Plan, plan } from '../../src/graph/plan';
import { type HostTensor, Program } from '../../src/graph/program';
import { type ImageSource, pixelsOf } from '../../src/image';
import { bytesOf } from '../../src/kernels/kernel';
import { specialise } from '../../src/kernels/specialise';
import { type Loaded, type LoadOptions, loadParts } from '../../src/load';
import type { Config, ConfigOptions } from '../../src/model/config';
import type { Network } from '../../src/model/mask_rcnn';
import type { Size } from '../../src/model/transform';
import type { MaskRegion } from '../../src/rle';
import type { ModelSource } from '../../src/weights/model_source';
import { rowOf } from '../explore/logic/rows';
import { type Changes, type Outcome, runChanged } from './changed_run';
import { infoOf } from './run_info';

export { portable } from './run_info';

/** A tensor of the run; `label` is what `tensor` takes. */
export interface TensorInfo {
  /** Of the kernel's binding. */
  readonly name: string;
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'u32' | 'f16';
  readonly origin: Tensor['origin'];
}

/** Regions that were there, of those that there is room for. */
export interface Rows {
  readonly count: number;
  readonly capacity: number;
}

/** A node: one dispatch of a kernel. */
export interface NodeInfo {
  readonly label: string;
  readonly kernel: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Multiply-adds of the definition. */
  readonly macs: number;
  /** Of a node of the heads: how many regions were there. */
  readonly rows?: Rows | undefined;
  /** Read and written, each tensor once. */
  readonly bytes: number;
  /** GPU time; undefined where the device has no timestamp-query. */
  readonly microseconds?: number | undefined;
  readonly workgroups: readonly [number, number, number];
  readonly params: Readonly<Record<string, number>>;
  readonly constants: Readonly<Record<string, number | boolean | string>>;
}

export interface FoundObject extends Omit<Detection, 'mask'> {
  readonly mask?: MaskRegion;
}

/** All of a run but its tensors; can be posted between threads. */
export interface RunInfo {
  /** The picture; what it was resized to; that padded: what the network sees. In pixels. */
  readonly picture: Size;
  readonly resized: Size;
  readonly canvas: Size;
  readonly config: Readonly<Config>;
  /** Names by class index. */
  readonly classes: readonly string[];
  readonly nodes: readonly NodeInfo[];
  /** Tensors that hold others one after the other: their parts, by label. */
  readonly wholes: Readonly<Record<string, readonly string[]>>;
  /** By descending score, above the model's own threshold. */
  readonly found: readonly FoundObject[];
  /** Host ms of the run, from upload to results, and bytes of its activations. */
  readonly runMs: number;
  readonly peakBytes: number;
  readonly bytesWithoutReuse: number;
  readonly adapter: string;
}

/** Told the share of a run that is done, 0..1; ends the run by throwing. */
export type OnProgress = (share: number) => void;

/** What can be posted of a plan. */
export type MemoryPlan = Omit<Plan, 'places'>;

/**
 * Bytes of tensors that are kept on the GPU after a run; those beyond are computed again when asked for. While a run
 * is on its way, the one before is still there.
 */
const KEPT_BYTES = 1 << 29;

/** A checkpoint on the GPU. Every layer is computed by its definition, in a node of its own. */
export class ExploreModel {
  private constructor(readonly parts: Loaded) {}

  static async load(source: ModelSource, options: LoadOptions = {}): Promise<ExploreModel> {
    return new ExploreModel(await loadParts(source, { ...options, algorithm: 'direct' }));
  }

  /**
   * Runs on a picture and times every node. `options`: over the checkpoint's own configuration. `onProgress` is told
   * the share that is done, and ends the run by throwing.
   */
  run(image: ImageSource, options: ConfigOptions = {}, onProgress?: OnProgress): Promise<ExploreRun> {
    return ExploreRun.create(this.parts, image, { ...this.parts.config, ...options }, onProgress);
  }

  destroy(): void {
    for (const buffer of this.parts.weights.values()) buffer.destroy();
    if (this.parts.ownsDevice) this.parts.device.destroy();
  }
}

export class ExploreRun {
  private readonly tensors: ReadonlyMap<string, Tensor>;

  private constructor(
    readonly info: RunInfo,
    private readonly parts: Loaded,
    private readonly network: Network,
    private readonly program: Program,
    private readonly kept: ReadonlySet<Tensor>,
    private readonly words: Uint32Array<ArrayBuffer>,
  ) {
    this.tensors = tensorsOf(network);
  }

  static async create(
    parts: Loaded,
    image: ImageSource,
    config: Config,
    onProgress?: OnProgress,
  ): Promise<ExploreRun> {
    const { device, checkpoint, computing, build, weights } = parts;
    const picture = pixelsOf(image);
    const network = build(checkpoint, config, picture, computing);
    const kept = keepable(network);
    const program = await Program.create(device, network.graph, weights, network.outputs, kept);
    try {
      program.write(network.pixels, picture.words);
      const { outputs, profile } = await program.run({ profile: true, ...(onProgress && { onProgress }) });
      const counts = await countsOf(network, program);
      const info = infoOf(parts, config, network, picture, outputs, profile, counts);
      return new ExploreRun(info, parts, network, program, kept, picture.words);
    } catch (error) {
      program.destroy();
      throw error;
    }
  }

  /**
   * What the run left in a tensor: of a node, the input, a constant, or a packed weight. `row`: only that index of
   * its first axis. Throws ShapeError.
   */
  async tensor(label: string, row?: number): Promise<HostTensor> {
    const tensor = this.tensors.get(label);
    if (!tensor) throw new ShapeError(`no tensor of this run is labelled '${label}'`);
    if (tensor.origin !== 'node' || this.kept.has(tensor)) return this.program.read(tensor, row);
    const { device, weights } = this.parts;
    const again = await Program.create(device, this.network.graph, weights, { tensor });
    try {
      again.write(this.network.pixels, this.words);
      const whole = (await again.run()).outputs.tensor!;
      return row === undefined ? whole : rowOf(whole, row);
    } finally {
      again.destroy();
    }
  }

  /** The WGSL that a node ran: its kernel's file with constants set and branches chosen. */
  wgsl(index: number): string {
    const node = this.network.graph.nodes[index];
    if (!node) throw new ShapeError(`wanted a node below ${this.network.graph.nodes.length}; got ${index}`);
    return specialise(node.kernel.source, node.dispatch.constants);
  }

  /** The text of a kernel of this run, as it can be edited: the shader's file, then what it calls. */
  source(kernel: string): string {
    const node = this.network.graph.nodes.find((each) => each.kernel.name === kernel);
    if (!node) throw new ShapeError(`no node of this run runs '${kernel}'`);
    return node.kernel.source;
  }

  /** The same picture through a changed network. */
  changed(changes: Changes, labels: readonly string[], onProgress?: OnProgress): Promise<Outcome> {
    return runChanged(this.parts, this.info, this.words, changes, labels, onProgress);
  }

  /** The buffers that the network needs where nothing is kept for looking at, as in `detect`. */
  get memory(): MemoryPlan {
    const { graph, outputs } = this.network;
    const { bufferBytes, tenants, peakBytes, bytesWithoutReuse } = plan(
      graph,
      new Set(Object.values(outputs)),
    );
    return { bufferBytes, tenants, peakBytes, bytesWithoutReuse };
  }

  destroy(): void {
    this.program.destroy();
  }
}

function tensorsOf({ graph, outputs }: Network): Map<string, Tensor> {
  const all = graph.nodes.flatMap(({ inputs, outputs }) => [
    ...Object.values(inputs),
    ...Object.values(outputs),
  ]);
  const wholes = graph.concatenations.map(({ whole }) => whole);
  return new Map([...all, ...wholes, ...Object.values(outputs)].map((tensor) => [tensor.label, tensor]));
}

/** The counts that nodes of the heads are told, of proposals and of detections; by the count's tensor. */
async function countsOf({ graph }: Network, program: Program): Promise<Map<Tensor, Rows>> {
  const counts = new Map<Tensor, Rows>();
  for (const { outputs } of graph.nodes) {
    const { count, detections } = outputs;
    if (!count || !detections) continue;
    counts.set(count, { count: (await program.read(count)).data[0]!, capacity: detections.shape[0]! });
  }
  return counts;
}

/** As many tensors as fit, the small ones first. */
function keepable(network: Network): Set<Tensor> {
  const nodes = [...tensorsOf(network).values()].filter(({ origin }) => origin === 'node');
  let bytes = 0;
  const kept = new Set<Tensor>();
  for (const tensor of nodes.sort((a, b) => bytesOf(a) - bytesOf(b))) {
    bytes += bytesOf(tensor);
    if (bytes > KEPT_BYTES) break;
    kept.add(tensor);
  }
  return kept;
}
