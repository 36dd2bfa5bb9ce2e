// Layers by their names in the checkpoint: records a kernel in the graph, and what its weights are made of.
//
// A scope is a prefix of names, so the code that builds a network reads like the checkpoint's list of tensors,
// and channel counts come from the tensors, not from the code.

import { ShapeError, WeightError } from '../errors';
import { type Graph, type LayerWeights, NORM_VECTORS, type Tensor } from '../graph/graph';
import { convTranspose2d } from '../kernels/conv_transpose2d';
import { conv2d, padTo4 } from '../kernels/conv2d';
import { depthwiseConv2d } from '../kernels/depthwise_conv2d';
import { f32 } from '../kernels/kernel';
import { linear } from '../kernels/linear';
import { type PackWeightAttributes, packedShape } from '../kernels/pack_weight';

/** What is known of a checkpoint's tensor before its numbers are read. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: 'F32' | 'F16' | 'BF16';
  readonly shape: readonly number[];
}

export type Checkpoint = ReadonlyMap<string, CheckpointTensor>;

type Shape4 = [number, number, number, number];

interface LayerOptions {
  activation?: 'none' | 'relu';
  /** Name of the batch norm that follows, in the same scope; folded into the layer where the checkpoint has it. */
  norm?: string;
  /** u32 [1]: how many of the batch are there. */
  count?: Tensor | undefined;
  /** Added to the node's label where one layer runs several times. */
  suffix?: string;
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
    readonly prefix = '',
    missing: string[] = [],
  ) {
    this.missing = missing;
  }

  /** The layers below `name`. */
  scope(name: string): Layers {
    return new Layers(this.graph, this.checkpoint, this.label(name), this.missing);
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
    // the picture is stored with 4 channels, of which the last is 0
    const groups = C === 4 && I === 3 ? 1 : C / I;
    if (!Number.isInteger(groups) || O % groups !== 0) {
      throw misshapen(
        this.label(`${name}.weight`),
        `[${O}, ${C}/groups, ${window}] over ${C} channels`,
        shape,
      );
    }
    // a window for each channel; conv2d, which does it too, adds the residual and takes odd channels
    if (groups === C && O === C && C % 4 === 0 && !add) return this.depthwise(name, x, options, shape);
    const weights = this.weights(name, options.norm, { shape, groups });
    const { output } = this.graph.apply(
      this.label(name) + suffix,
      conv2d,
      { input: x, weight: weights.packedWeight, bias: weights.packedBias, add, count },
      { channels: O, window, stride, padding, groups, activation },
      'output',
    );
    return output;
  }

  // x [N, H, W, C] -> [N, H', W', C]; weight [C, 1, Y, X]
  private depthwise(name: string, x: Tensor, options: Conv2dOptions, [C, , Y, X]: Shape4): Tensor {
    const { stride = 1, padding = 0, activation = 'none', count, suffix = '' } = options;
    // a tap is to the packing what an input channel is: one row of all outputs
    const weights = this.weights(name, options.norm, { shape: [C, Y * X, 1, 1] }, [padTo4(Y * X)]);
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
    if (I !== C) throw misshapen(this.label(`${name}.weight`), `[${C}, O, Y, X]`, shape);
    const weights = this.weights(name, options.norm, { shape, transposed: true });
    const { output } = this.graph.apply(
      this.label(name) + suffix,
      convTranspose2d,
      { input: x, weight: weights.packedWeight, bias: weights.packedBias, count },
      { channels: O, window, stride, padding, activation },
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
    if (shape.length !== 2 || shape[1] !== inputs) {
      throw misshapen(this.label(`${name}.weight`), `[O, ${inputs}]`, shape);
    }
    const O = shape[0] as number;
    if (channels % 4 !== 0 && height * width > 1) {
      throw new ShapeError(`${this.label(name)}: wanted bins of a multiple of 4 channels; got ${channels}`);
    }
    const weights = this.weights(name, options.norm, { shape: [O, channels, height, width] }, [
      padTo4(inputs),
    ]);
    const { output } = this.graph.apply(
      this.label(name) + (options.suffix ?? ''),
      linear,
      { input: x, weight: weights.packedWeight, bias: weights.packedBias, count: options.count },
      { outputs: O, activation: options.activation ?? 'none' },
      'output',
    );
    return output;
  }

  /** The layer's packed tensors; made once, however often the layer runs. */
  private weights(
    name: string,
    norm: string | undefined,
    pack: Omit<PackWeightAttributes, 'dtype'>,
    rows?: [number],
  ): LayerWeights {
    const label = this.label(name);
    const known = this.graph.layers.get(label);
    if (known) return known;
    const { dtype } = this.tensor(`${label}.weight`, pack.shape);
    const bias = this.checkpoint.has(`${label}.bias`) ? `${label}.bias` : undefined;
    const folded = norm && this.has(norm) ? this.label(norm) : undefined;
    const outputs = pack.transposed ? pack.shape[1] : pack.shape[0];
    for (const vector of [bias, ...NORM_VECTORS.map((part) => folded && `${folded}.${part}`)]) {
      if (!vector) continue;
      const found = this.tensor(vector, [outputs]).shape;
      if (String(found) !== String(outputs)) throw misshapen(vector, `[${outputs}]`, found);
    }
    const attributes: PackWeightAttributes = { ...pack, dtype };
    const shape = packedShape(attributes);
    const [groups, outGroup] = [shape[0] as number, shape[4] as number];
    const packed: LayerWeights = {
      weight: `${label}.weight`,
      bias,
      norm: folded,
      pack: attributes,
      packedWeight: {
        ...f32(...(rows ? [...rows, outGroup] : shape)),
        label: `${label}.weight`,
        origin: 'weight',
      },
      packedBias:
        bias || folded ? { ...f32(groups * outGroup), label: `${label}.bias`, origin: 'weight' } : undefined,
    };
    this.graph.layers.set(label, packed);
    return packed;
  }

  private tensor(name: string, otherwise: readonly number[]): CheckpointTensor {
    const tensor = this.checkpoint.get(name);
    if (!tensor) this.missing.push(name);
    return tensor ?? { name, dtype: 'F32', shape: otherwise };
  }

  /** Output channels of a layer whose weight is missing, by the vectors beside it. */
  private outputs(name: string, norm?: string): number | undefined {
    const vectors = [`${name}.bias`, ...(norm ? NORM_VECTORS.map((part) => `${norm}.${part}`) : [])];
    const found = vectors.map((vector) => this.checkpoint.get(this.label(vector))).find(Boolean);
    return found?.shape[0];
  }

  private shape4(name: string, otherwise: Shape4): Shape4 {
    const shape = this.shape(name, otherwise);
    if (shape.length !== 4) throw misshapen(this.label(name), '4 axes', shape);
    return shape as Shape4;
  }
}

function misshapen(name: string, wanted: string, found: readonly number[]): WeightError {
  return new WeightError(`${name}: wanted shape ${wanted}; found [${found.join(', ')}]`);
}
