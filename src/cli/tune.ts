// `maskrcnn tune`: times all kernels that could compute a model on this machine, keeps and prints the best.

import { MaskRCNN, type Tuning } from '../node';
import { Progress } from './progress';
import { table } from './table';

export async function tune(
  file: string,
  options: { size?: [number, number]; precision: 'f32' | 'f16' },
): Promise<void> {
  const [minSize, maxSize] = options.size ?? [];
  const { precision } = options;
  const model = await MaskRCNN.load(file, { precision, minSize, maxSize });
  const progress = new Progress();
  try {
    const tuning = await model.tune(model.config.minSize, model.config.maxSize, {
      onProgress: ({ done, total, what }) => progress.show('timing', done, total, what),
    });
    progress.clear();
    process.stdout.write(report(tuning));
  } finally {
    progress.clear();
    model.destroy();
  }
}

function report({ adapter, algorithms, methods }: Tuning): string {
  const split = (n: number): string => (n > 1 ? `, a sum of ${n} slices` : '');
  return [
    `${adapter}\n\nConvolutions: window / stride, channels\n`,
    table(Object.entries(algorithms)),
    '\nMatrix products: batches, depth > outputs, rows\n',
    table(Object.entries(methods).map(([key, method]) => [key, `${method.tile}${split(method.split)}`])),
  ].join('');
}
