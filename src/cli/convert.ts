// `maskrcnn convert`: a Caffe2 model as one safetensors file, with all that its graph says as metadata.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openModel, WeightError } from '../node';
import { bytes } from './table';

export async function convert(input: string, output: string, dtype: 'f32' | 'f16'): Promise<void> {
  const file = await openModel(input, { dtype: dtype === 'f16' ? 'F16' : 'F32' });
  if (!(file instanceof Uint8Array)) {
    throw new WeightError(
      `${input}: wanted a folder or address of model.pb and model_init.pb, or a published name`,
    );
  }
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, file);
  process.stdout.write(`${output}: ${bytes(file.length)}\n`);
}
