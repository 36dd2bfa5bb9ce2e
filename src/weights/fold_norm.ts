// What a layer's vectors become: a batch norm and a bias fold into the weight and one bias (Jacob et al. 2018,
// arXiv:1712.05877, section 3.2), and the scales of integers into the weight.

import { WeightError } from '../errors';
import type { LayerWeights } from '../graph/graph';
import { outputsOf } from './layer_packing';
import { companionsOf } from './quantised';

type Vector = Float32Array<ArrayBuffer>;
type Vectors = ReadonlyMap<string, Vector>;

/** What is added to a norm's variance, and the variance where the file has none: as in `Config`. */
export interface NormNumbers {
  readonly bnEps: number;
  readonly bnVariance?: number | undefined;
}

/** weight[o] *= scale[o], and a new bias. */
export interface Folded {
  scale?: Vector | undefined;
  bias?: Vector | undefined;
}

/** y = (x - mean) * w / sqrt(var + eps) + b, in float64, as a scale and a bias. Throws WeightError: not finite. */
export function foldNorm(
  { bias, norm, pack }: LayerWeights,
  vectors: Vectors,
  { bnEps, bnVariance = 1 }: NormNumbers,
): Folded {
  const own = bias ? vectors.get(bias) : undefined;
  if (!norm) return { bias: own };
  const outputs = outputsOf(pack);
  const [w, b] = [vectors.get(`${norm}.weight`)!, vectors.get(`${norm}.bias`)!];
  const mean = vectors.get(`${norm}.running_mean`) ?? new Float32Array(outputs);
  const variance = vectors.get(`${norm}.running_var`) ?? new Float64Array(outputs).fill(bnVariance);
  const scale = new Float32Array(outputs);
  const shift = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const factor = w[o]! / Math.sqrt(variance[o]! + bnEps);
    if (!Number.isFinite(factor)) {
      throw new WeightError(
        `${norm}: channel ${o} cannot be normalised: running_var ${variance[o]} + bn_eps ${bnEps}. ` +
          'Check bn_eps, in the metadata or as option bnEps of load',
      );
    }
    scale[o] = factor;
    shift[o] = b[o]! + ((own?.[o] ?? 0) - mean[o]!) * factor;
  }
  return { scale, bias: shift };
}

/** What packing multiplies each output channel with: the scale of integers, the batch norm's factor, or both. */
export function weightFactors(
  { weight, pack }: LayerWeights,
  vectors: Vectors,
  scale: Vector | undefined,
): Vector | undefined {
  const [step, zero] = companionsOf(weight, pack.dtype).map((name) => vectors.get(name)!);
  if (!step) return scale;
  const outputs = outputsOf(pack);
  for (const vector of zero ? [step, zero] : [step]) {
    if (vector.length !== outputs) {
      throw new WeightError(
        `${weight}: wanted a scale and a zero point for each of ${outputs} outputs, got ${vector.length}`,
      );
    }
  }
  const factors = new Float32Array(zero ? 2 * outputs : outputs);
  for (let o = 0; o < outputs; o++) factors[o] = step[o]! * (scale?.[o] ?? 1);
  if (zero) factors.set(zero, outputs);
  return factors;
}
