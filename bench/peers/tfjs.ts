// TensorFlow.js with its WebGPU backend, from the builds that set the global `tf` (page.html).

import { type LayerCase, type LayerData, outputShape, toChannelsFirst } from './layer_cases';
import type { Ready } from './timing';

interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** What is used of its interface (https://js.tensorflow.org/api). */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  tidy<T>(body: () => T): T;
  add(a: TfTensor, b: TfTensor): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    filter: TfTensor,
    outputShape: readonly number[],
    strides: number,
    pad: 'valid',
  ): TfTensor;
  fused: {
    conv2d(options: {
      x: TfTensor;
      filter: TfTensor;
      strides: number;
      pad: number;
      bias: TfTensor;
    }): TfTensor;
    matMul(options: { a: TfTensor; b: TfTensor; transposeB: boolean; bias: TfTensor }): TfTensor;
  };
}

declare const tf: Tf;

/** Input and output are on the host, channels last there. */
export async function tfjsLayer(layer: LayerCase, data: LayerData): Promise<Ready<Float32Array>> {
  if (tf.getBackend() !== 'webgpu' && !(await tf.setBackend('webgpu'))) {
    throw new Error('tfjs: its WebGPU backend did not start');
  }
  const { kind, stride, padding, outputs } = layer;
  const [N, H, W, C] = layer.input;
  const rows = kind === 'linear';
  const shape = rows ? [N, C * H * W] : layer.input;
  const input = rows ? toChannelsFirst(data.input, layer.input) : data.input;
  const filter = filterTensor(layer, data.weight);
  const bias = tf.tensor(data.bias, [outputs]);
  const apply = (x: TfTensor): TfTensor => {
    if (rows) return tf.fused.matMul({ a: x, b: filter, transposeB: true, bias });
    if (kind === 'conv2d') return tf.fused.conv2d({ x, filter, strides: stride, pad: padding, bias });
    return tf.add(tf.conv2dTranspose(x, filter, outputShape(layer), stride, 'valid'), bias);
  };
  return {
    async run() {
      const output = tf.tidy(() => apply(tf.tensor(input, shape)));
      const values = await output.data();
      output.dispose();
      return values;
    },
    destroy() {
      filter.dispose();
      bias.dispose();
    },
  };
}

// [O, I] as it is; [O, I, Y, X] -> [Y, X, I, O]; transposed, [I, O, Y, X] -> [Y, X, O, I]
function filterTensor({ kind, input, outputs, window }: LayerCase, weight: Float32Array): TfTensor {
  const [, H, W, C] = input;
  if (kind === 'linear') return tf.tensor(weight, [outputs, C * H * W]);
  const [first, second] = kind === 'conv2d' ? [outputs, C] : [C, outputs];
  const out = new Float32Array(weight.length);
  let at = 0;
  for (let a = 0; a < first; a++)
    for (let b = 0; b < second; b++)
      for (let tap = 0; tap < window * window; tap++) out[(tap * second + b) * first + a] = weight[at++]!;
  return tf.tensor(out, [window, window, second, first]);
}
