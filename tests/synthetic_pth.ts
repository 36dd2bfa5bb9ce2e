// torchvision's R50-FPN with synthetic weights as a .pth of 178 MB, as torch.save lays it out.

import { pickleOf, py } from './pickle_writer';
import { syntheticWeights, tensorShapes } from './synthetic_weights';
import { zipOf } from './zip_writer';

export async function syntheticPth(): Promise<Uint8Array> {
  const file = Buffer.alloc(syntheticWeights('maskrcnn').size);
  let at = 0;
  for await (const piece of syntheticWeights('maskrcnn').read()) {
    file.set(piece, at);
    at += piece.length;
  }
  const data = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, data)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const tensors = tensorShapes('maskrcnn').map(({ name, shape }, i) => {
    const [begin, end] = header[name]!.data_offsets;
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const storage = py.storage(String(i), (end - begin) / 4);
    const tensor = py.tensor(storage, py.integer(0), shape.map(py.integer), strides.map(py.integer));
    return { name, tensor, bytes: file.subarray(data + begin, data + end) };
  });
  const pickle = pickleOf(py.dict(tensors.map(({ name, tensor }): [string, Uint8Array] => [name, tensor])));
  const storages = tensors.map(({ bytes }, i) => ({ name: `model/data/${i}`, data: bytes }));
  return zipOf([{ name: 'model/data.pkl', data: pickle }, ...storages]);
}
