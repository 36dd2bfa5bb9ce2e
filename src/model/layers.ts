// Layers by their names in the checkpoint: records a kernel in the graph, and what its weights are made of.
//
// A scope is a prefix of names, so the code that builds a network reads like the checkpoint's list of tensors,
// and channel counts come from the tensors, not from the code.

import { WeightError } from '../errors';
import { type Graph, type LayerWeights, normVectors, STATISTICS, type Tensor } from '../graph/graph';
import { convTranspose2d } from '../kernels/conv_transpose2d';
import { conv2d, conv2dWorkgroup } from '../kernels/conv2d';
import { depthwiseConv2d } from '../kernels/depthwise_conv2d';
import { f32, sizeOf } from '../kernels/kernel';
import { linear, linearWorkgroup } from '../kernels/linear';
import { type Methods, methodsFor, stepOf, UNKNOWN_GPU } from '../kernels/methods';
import { type PackWeightAttributes, packedShape } from '../kernels/pack_weight';
import { type Activation, padTo4 } from '../kernels/quads';
import { reduce } from '../kernels/reduce';
import { tileOf } from '../kernels/tile';
import { fitsWinograd, winograd } from './winograd';

/** What is known of a checkpoint's tensor before its numbers are read. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: PackWeightAttributes['dtype'];
  readonly shape: readonly number[];
}

export type Checkpoint = ReadonlyMap<string, CheckpointTensor>;

/** How layers are computed; what depends on the device and not on the checkpoint. */
export interface Computing {
  readonly methods: Methods;
  /** What maps and weights are stored as; sums are float32 always. */
  readonly precision: 'f32' | 'f16';
  /** Texts that take the place of kernels' own, by the kernels' names. */
  readonly shaders?: Readonly<Record<string, string>>;
}

/** Every layer by its definition, as papers count its multiply-adds; for a GPU of which nothing is known. */
export const PLAIN: Computing = {
  methods: { ...methodsFor(UNKNOWN_GPU), algorithm: () => 'direct' },
  precision: 'f32',
};

export type { Activation };

type Shape4 = [number, number, number, number];

interface LayerOptions {
  activation?: Activation;
  /** Name of the batch norm that follows, in the same scope; folded into the layer where the checkpoint has it. */
  norm?: string;
  /** u32 [1]: how many of the batch are there. */
  count?: Tensor | undefined;
  /** Added to the node's label where one layer runs several times. */
  suffix?: string;
  /** Store float32 whatever the precision, and no more channels than there are: what decides, and is not a feature. */
  exact?: boolean;
}

interface Conv2dOptions extends LayerOptions {
  stride?: number;
  padding?: number;
  /** Residual, added before the activation. */
  add?: Tensor | undefined;
}

export class Layers {
  /** Names that the network needs and the checkpoint lacks, as far as it has been built. */
  readonly missing: string[];

  constructor(
    readonly graph: Graph,
    private readonly checkpoint: Checkpoint,
    private readonly computing: Computing = PLAIN,
    /** Whether norms may have only weight and bias. */
    private readonly affineNorms = false,
    readonly prefix = '',
    missing: string[] = [],
  ) {
    this.missing = missing;
  }

  /** The layers below `name`. */
  scope(name: string): Layers {
    const { graph, checkpoint, computing, affineNorms } = this;
    return new Layers(graph, checkpoint, computing, affineNorms, this.label(name), this.missing);
  }

  label(name: string): string {
    return this.prefix ? `${this.prefix}.${name}` : name;
  }

  /** Whether the checkpoint holds any tensor under `name`. */
  has(name: string): boolean {
    const start = `${this.label(name)}.`;
    return (
      this.checkpoint.has(this.label(name)) ||
      [...this.checkpoint.keys()].some((key) => key.startsWith(start))
    );
  }

  /**
   * Shape of tensor `name` in the checkpoint. If it is missing, that is noted, and `otherwise` stands in for it, so
   * that all that is missing can be named at once.
   */
  shape(name: string, otherwise: readonly number[]): readonly number[] {
    return this.tensor(this.label(name), otherwise).shape;
  }

  /** Throws WeightError that lists what was missing. To be called when the network is built, or cannot be. */
  complete(): void {
    const names = [...new Set(this.missing)];
    if (names.length) {
      throw new WeightError(
        `the checkpoint lacks ${names.length} tensors that this network needs: ${names.join(', ')}`,
      );
    }
  }

  // x [N, H, W, C] -> [N, H', W', O]; weight [O, C/G, Y, X]
  conv2d(name: string, x: Tensor, options: Conv2dOptions = {}): Tensor {
    const { stride = 1, padding = 0, add, activation = 'none', count, suffix = '' } = options;
    const C = x.shape[3] as number;
    const side = 2 * padding + 1;
    const shape = this.shape4(`${name}.weight`, [this.outputs(name, options.norm) ?? C, C, side, side]);
    const [O, I, ...window] = shape;
    // maps are stored in quads of channels, the picture too: those beyond its own are 0
    const groups = C % I !== 0 && C === padTo4(I) ? 1 : C / I;
    if (!Number.isInteger(groups) || O % groups !== 0) {
      throw misshapen(
        this.label(`${name}.weight`),
        `[${O}, ${C}/groups, ${window}] over ${C} channels`,
        shape,
      );
    }
    // a window for each channel; conv2d, which does it too, adds the residual and takes odd channels
    if (groups === C && O === C && C % 4 === 0 && !add) return this.depthwise(name, x, options, shape);
    const layer = { inputs: I, outputs: O, window, stride };
    const label = this.label(name) + suffix;
    const outputs = groups === 1 ? channelsOf(O, options) : O;
    const store = this.store(outputs, options.exact);
    const { methods } = this.computing;
    const fastest = groups === 1 ? stepOf(methods.algorithm(layer)) : undefined;
    const step = fastest && [fastest, 2 as const].find((size) => fitsWinograd(x, outputs, size));
    if (step && activation !== 'hard_swish' && x.dtype === store) {
      const weights = this.weights(name, options.norm, { shape, winograd: step });
      const how = { step, padding, outputs, activation, add, count, methods };
      return winograd(this.graph, label, x, weights, how);
    }
    const weights = this.weights(name, options.norm, { shape, groups });
    const bound = { input: x, weight: weights.packedWeight, bias: weights.packedBias, add, count };
    const { scaled } = weights;
    const [N, H, W] = x.shape as Shape4;
    if (window[0] * window[1] * stride === 1 && padding === 0 && groups === 1) {
      const { tile } = methods.method({
        kernel: 'linear',
        rows: N * H * W,
        depth: C,
        outputs,
        batches: 1,
      });
      const attributes = { outputs, rows: N * H * W, rowsPerCount: H * W, shape: [N, H, W, outputs] };
      return this.graph.apply(
        label,
        tileOf(tile).memory === 'workgroup' ? linearWorkgroup : linear,
        bound,
        { ...attributes, activation, store, tile, scaled },
        'output',
      ).output;
    }
    const reach = window.map((taps, axis) => Math.floor(((axis ? W : H) + 2 * padding - taps) / stride) + 1);
    const { tile } = methods.method({
      kernel: 'conv2d',
      rows: N * reach[0]! * reach[1]!,
      depth: window[0] * window[1] * I,
      outputs: outputs / groups,
      batches: groups,
    });
    return this.graph.apply(
      label,
      tileOf(tile).memory === 'workgroup' ? conv2dWorkgroup : conv2d,
      bound,
      { channels: outputs, window, stride, padding, groups, activation, store, tile, scaled },
      'output',
    ).output;
  }

  // x [N, H, W, C] -> [N, H', W', C]; weight [C, 1, Y, X]
  private depthwise(name: string, x: Tensor, options: Conv2dOptions, [C, , Y, X]: Shape4): Tensor {
    const { stride = 1, padding = 0, activation = 'none', count, suffix = '' } = options;
    // a tap is to the packing what an input channel is: one row of all outputs
    const weights = this.weights(name, options.norm, { shape: [C, Y * X, 1, 1] }, 'f32');
    const { output } = this.graph.apply(
      this.label(name) + suffix,
      depthwiseConv2d,
      { input: x, weight: weights.packedWeight, bias: weights.packedBias, count },
      { window: [Y, X], stride, padding, activation },
      'output',
    );
    return output;
  }

  // x [N, H, W, C] -> [N, stride H, stride W, O]; weight [C, O, Y, X]
  convTranspose2d(
    name: string,
    x: Tensor,
    options: LayerOptions & { stride: number; padding?: number },
  ): Tensor {
    const { stride, padding = 0, activation = 'none', count, suffix = '' } = options;
    const side = stride + 2 * padding;
    const C = x.shape[3] as number;
    const shape = this.shape4(`${name}.weight`, [C, this.outputs(name) ?? C, side, side]);
    const [I, O, ...window] = shape;
    if (padTo4(I) !== padTo4(C)) throw misshapen(this.label(`${name}.weight`), `[${C}, O, Y, X]`, shape);
    const outputs = channelsOf(O, options);
    const weights = this.weights(name, options.norm, { shape, transposed: true });
    const { tile } = this.computing.methods.method({
      kernel: 'conv_transpose2d',
      rows: sizeOf(x) / C,
      depth: C * Math.ceil(window[0] / stride) * Math.ceil(window[1] / stride),
      outputs,
      batches: stride * stride,
    });
    const { output } = this.graph.apply(
      this.label(name) + suffix,
      convTranspose2d,
      { input: x, weight: weights.packedWeight, bias: weights.packedBias, count },
      {
        channels: outputs,
        window,
        stride,
        padding,
        activation,
        tile,
        store: this.store(outputs, options.exact),
        scaled: weights.scaled,
      },
      'output',
    );
    return output;
  }

  // x [R, I], or [R, P, P, C] with I = C * P * P in the checkpoint's order (c, y, x) -> [R, O]; weight [O, I]
  linear(name: string, x: Tensor, options: LayerOptions = {}): Tensor {
    const [, ...axes] = x.shape;
    const [height, width, channels] =
      axes.length === 3 ? (axes as [number, number, number]) : [1, 1, axes[0]!];
    const inputs = channels * height * width;
    const shape = this.shape(`${name}.weight`, [this.outputs(name) ?? inputs, inputs]);
    const own = shape[1]! / (height * width);
    if (shape.length !== 2 || padTo4(own) !== padTo4(channels)) {
      throw misshapen(this.label(`${name}.weight`), `[O, ${inputs}]`, shape);
    }
    const outputs = channelsOf(shape[0]!, options);
    const weights = this.weights(name, options.norm, { shape: [shape[0]!, own, height, width] });
    const { activation = 'none', count } = options;
    const store = this.store(outputs, options.exact);
    const rows = x.shape[0] as number;
    const { packedWeight: weight, packedBias: bias, scaled } = weights;
    const { methods } = this.computing;
    const { tile, split } = methods.method({ kernel: 'linear', rows, depth: inputs, outputs, batches: 1 });
    const kernel = tileOf(tile).memory === 'workgroup' ? linearWorkgroup : linear;
    const label = this.label(name) + (options.suffix ?? '');
    if (split === 1 || outputs % 4 !== 0 || inputs % (4 * split) !== 0) {
      const inputsOf = { input: x, weight, bias, add: undefined, count };
      return this.graph.apply(label, kernel, inputsOf, { outputs, activation, store, tile, scaled }, 'output')
        .output;
    }
    const { output: parts } = this.graph.apply(
      `${label}.parts`,
      kernel,
      { input: x, weight, bias: undefined, add: undefined, count },
      { outputs, rows, batches: split, split: true, tile },
      'output',
    );
    return this.graph.apply(label, reduce, { parts, bias, count }, { activation, store, scaled }, 'output')
      .output;
  }

  /** The dtype of a layer's output. Halves come in quads. */
  private store(outputs: number, exact = false): 'f32' | 'f16' {
    return !exact && outputs % 4 === 0 ? this.computing.precision : 'f32';
  }

  /** The layer's packed tensors; made once, however often the layer runs. */
  private weights(
    name: string,
    norm: string | undefined,
    pack: Omit<PackWeightAttributes, 'dtype' | 'store'>,
    stored?: 'f32',
  ): LayerWeights {
    const label = this.label(name);
    const known = this.graph.layers.get(label);
    if (known) return known;
    const { dtype } = this.tensor(`${label}.weight`, pack.shape);
    const bias = this.checkpoint.has(`${label}.bias`) ? `${label}.bias` : undefined;
    const folded = norm && this.has(norm) ? this.label(norm) : undefined;
    const affine = folded !== undefined && this.isAffine(folded);
    const outputs = pack.transposed ? pack.shape[1] : pack.shape[0];
    for (const vector of [...(bias ? [bias] : []), ...(folded ? normVectors(folded, affine) : [])]) {
      const found = this.tensor(vector, [outputs]).shape;
      if (String(found) !== String(outputs)) throw misshapen(vector, `[${outputs}]`, found);
    }
    // halves stay halves where nothing but their own numbers is to be stored
    const kept = dtype === 'F16' && !pack.winograd && !stored;
    const scaled = kept && folded !== undefined;
    const store = kept ? 'f16' : (stored ?? this.computing.precision);
    const attributes: PackWeightAttributes = { ...pack, dtype, store };
    const shape = packedShape(attributes);
    const biases = (pack.groups ?? 1) * (shape.at(-1) as number);
    const packed: LayerWeights = {
      weight: `${label}.weight`,
      bias,
      norm: folded,
      affine,
      pack: attributes,
      packedWeight: { shape, dtype: store, label: `${label}.weight`, origin: 'weight' },
      packedBias:
        bias || folded
          ? { ...f32(scaled ? 2 * biases : biases), label: `${label}.bias`, origin: 'weight' }
          : undefined,
      scaled,
    };
    this.graph.layers.set(label, packed);
    return packed;
  }

  private isAffine(norm: string): boolean {
    return this.affineNorms && STATISTICS.every((part) => !this.checkpoint.has(`${norm}.${part}`));
  }

  private tensor(name: string, otherwise: readonly number[]): CheckpointTensor {
    const tensor = this.checkpoint.get(name);
    if (!tensor) this.missing.push(name);
    return tensor ?? { name, dtype: 'F32', shape: otherwise };
  }

  /** Output channels of a layer whose weight is missing, by the vectors beside it. */
  private outputs(name: string, norm?: string): number | undefined {
    const vectors = [`${name}.bias`, ...(norm ? normVectors(norm, false) : [])];
    const found = vectors.map((vector) => this.checkpoint.get(this.label(vector))).find(Boolean);
    return found?.shape[0];
  }

  private shape4(name: string, otherwise: Shape4): Shape4 {
    const shape = this.shape(name, otherwise);
    if (shape.length !== 4) throw misshapen(this.label(name), '4 axes', shape);
    return shape as Shape4;
  }
}

/** Channels that a layer writes: whole quads, zeros beyond its own, unless it decides: then its own. */
function channelsOf(outputs: number, { exact }: LayerOptions): number {
  return exact ? outputs : padTo4(outputs);
}

function misshapen(name: string, wanted: string, found: readonly number[]): WeightError {
  return new WeightError(`${name}: wanted shape ${wanted}; found [${found.join(', ')}]`);
}
