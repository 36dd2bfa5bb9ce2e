// Model files as other programs lay them out, from the bytes of a safetensors file of float32.

import { pickleOf, py } from './pickle_writer';
import { zipOf } from './zip_writer';

interface Entry {
  name: string;
  shape: number[];
  bytes: Uint8Array;
}

/** As torch.save writes a state dict: a zip with a pickle, and a file for each storage. */
export function pthOf(safetensors: Uint8Array): Uint8Array<ArrayBuffer> {
  const entries = entriesOf(safetensors);
  const tensors = entries.map(({ name, shape, bytes }, i): [string, Uint8Array] => {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const storage = py.storage(String(i), bytes.length / 4);
    return [name, py.tensor(storage, py.integer(0), shape.map(py.integer), strides.map(py.integer))];
  });
  const storages = entries.map(({ bytes }, i) => ({ name: `model/data/${i}`, data: bytes }));
  return zipOf([{ name: 'model/data.pkl', data: pickleOf(py.dict(tensors)) }, ...storages]);
}

/** As detectron2's model zoo has them: a pickle of numpy's arrays, beside who made it. */
export function pklOf(safetensors: Uint8Array): Uint8Array<ArrayBuffer> {
  const arrays = entriesOf(safetensors).map(({ name, shape, bytes }): [string, Uint8Array] => [
    name,
    py.array(shape, 'f4', bytes),
  ]);
  return pickleOf(
    py.dict([
      ['model', py.dict(arrays)],
      ['__author__', py.text('Detectron2 Model Zoo')],
    ]),
  );
}

function entriesOf(safetensors: Uint8Array): Entry[] {
  const file = Buffer.from(safetensors.buffer, safetensors.byteOffset, safetensors.byteLength);
  const data = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(file.toString('utf8', 8, data)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return Object.entries(header).map(
    ([
      name,
      {
        shape,
        data_offsets: [begin, end],
      },
    ]) => ({
      name,
      shape,
      bytes: file.subarray(data + begin, data + end),
    }),
  );
}
