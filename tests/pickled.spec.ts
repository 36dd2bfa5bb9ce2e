// Checkpoints as PyTorch and numpy write them (scripts/golden_checkpoints.py), number for number; and what is
// refused by name.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { fileSource } from '../src/file_source';
import type { ByteSource, Progress, WeightSource } from '../src/weights/byte_source';
import { readWeights } from '../src/weights/read_weights';
import { PIECE_BYTES, type SafetensorsHeader, toFloat32 } from '../src/weights/safetensors';
import { readGolden } from './golden_file';
import { pickleOf, py } from './pickle_writer';

const FOLDER = 'tests/golden/checkpoints';
const expected = readGolden('checkpoints/expected');
const files = [...new Set(expected.names.map((key) => key.split('|')[0]!))];

/** Numbers as float32, which all but F64 hold exactly. */
async function contents(source: WeightSource, onProgress?: (progress: Progress) => void) {
  const bytes = new Map<string, Uint8Array>();
  let header!: SafetensorsHeader;
  await readWeights(
    source,
    {
      header(found) {
        header = found;
        for (const { name, begin, end } of found.tensors) bytes.set(name, new Uint8Array(end - begin));
      },
      data(tensor, offset, piece) {
        expect(offset % PIECE_BYTES).toBe(0);
        bytes.get(tensor.name)!.set(piece, offset);
      },
    },
    onProgress && { onProgress },
  );
  const tensors = new Map(
    header.tensors.map(({ name, dtype, shape }) => [
      name,
      { dtype, shape, data: toFloat32(dtype, bytes.get(name)!) },
    ]),
  );
  return { header, tensors };
}

function expectNumbers(file: string, { tensors }: Awaited<ReturnType<typeof contents>>): void {
  const wanted = expected.names.filter((key) => key.startsWith(`${file}|`));
  expect([...tensors.keys()].sort()).toEqual(wanted.map((key) => key.split('|')[1]!).sort());
  for (const key of wanted) {
    const { shape, data } = expected.tensor(key);
    const found = tensors.get(key.split('|')[1]!)!;
    expect(found.shape, key).toEqual(shape);
    expect([...found.data], key).toEqual([...Float32Array.from(data)]);
  }
}

/** Bytes that can only be had in order, as from a network. */
function streamed(bytes: Uint8Array): ByteSource {
  return {
    name: 'stream',
    async *read() {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    },
  };
}

test('there are files of both formats in four dtypes, and of five kinds of pickles', () => {
  expect(files).toHaveLength(8 + 4 + 6);
});

describe.each(files)('%s', (file) => {
  const bytes = readFileSync(`${FOLDER}/${file}`);

  test('from a path, a Blob, memory and a stream', async () => {
    const progress: Progress[] = [];
    const sources = [fileSource(`${FOLDER}/${file}`), new Blob([bytes]), bytes, streamed(bytes)];
    for (const source of sources) {
      expectNumbers(file, await contents(source, (now) => progress.push({ ...now })));
      expect(progress.at(-1)!.loaded).toBe(bytes.length);
    }
  });

  test('has the dtype that it was saved in', async () => {
    const { header } = await contents(bytes);
    const dtype = /_(f32|f16|bf16|f64)\./.exec(file)?.[1]?.toUpperCase() ?? 'F32';
    expect(new Set(header.tensors.map((tensor) => tensor.dtype))).toEqual(new Set([dtype]));
  });

  test('cut off anywhere it is a WeightError', { timeout: 60_000 }, async () => {
    for (let end = 16; end < bytes.length; end += 97) {
      await expect(contents(bytes.subarray(0, end)), `${end}`).rejects.toThrow(WeightError);
    }
  });
});

test('what a trainer says of the classes becomes metadata', async () => {
  const { header } = await contents(fileSource(`${FOLDER}/zip_wrapped.pth`));
  expect({ ...header.metadata }).toEqual({ classes: '["__background__","cell","nucleus"]' });
});

test('names like those of prototypes are names', async () => {
  const array = py.array([2], 'f4', new Uint8Array(8));
  const { header } = await contents(
    pickleOf(
      py.dict([
        ['__proto__', array],
        ['constructor', array],
        ['toString', array],
      ]),
    ),
  );
  expect(header.tensors.map(({ name }) => name)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(({} as Record<string, unknown>).name).toBeUndefined();
});

test.each([
  ['posix', 'system'],
  ['builtins', 'eval'],
  ['builtins', 'getattr'],
  ['__builtin__', 'apply'],
  ['torch.nn.modules.conv', 'Conv2d'],
  ['__proto__', 'constructor'],
  ['collections', 'OrderedDict.__init__'],
])('%s.%s is refused by its name, and nothing is run', async (module, name) => {
  for (const spell of [py.global, py.stackGlobal]) {
    const hostile = py.reduce(spell(module, name), py.tuple([py.text('touch /tmp/owned')]));
    const error = await contents(pickleOf(py.dict([['model', hostile]]))).catch((fault) => fault);
    expect(error).toBeInstanceOf(WeightError);
    expect(error.message).toContain(`got the global '${module}.${name}', which is refused`);
  }
});

test('a whole model instead of its state dict says what to save', async () => {
  const module = py.newObject(py.global('torchvision.models.detection.mask_rcnn', 'MaskRCNN'), py.tuple([]));
  await expect(contents(pickleOf(module))).rejects.toThrow(
    /mask_rcnn\.MaskRCNN.*save only model\.state_dict/,
  );
});

test('a pickle without tensors says what is in it', async () => {
  await expect(contents(pickleOf(py.dict([['epoch', py.integer(3)]])))).rejects.toThrow(
    /wanted a dict of tensors by name.*got a dict of epoch/,
  );
});
