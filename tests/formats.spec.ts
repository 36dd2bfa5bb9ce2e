// One trained model in every format: it finds the same objects. And `maskrcnn convert`, as it is used.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interpret, type LoadOptions } from '../src/load';
import { MaskRCNN as InBrowser } from '../src/mask_rcnn';
import { cocoNames } from '../src/model/coco';
import { MaskRCNN } from '../src/node';
import { toBfloat16, toFloat16, toFloat32 } from '../src/weights/float16';
import { quantise, relativeError } from '../src/weights/quantised';
import { readWeights } from '../src/weights/read_weights';
import type { TensorInfo } from '../src/weights/safetensors';
import { type TensorData, writeSafetensors } from '../src/weights/write_safetensors';
import { picture } from './engine';
import { type Golden, readGolden } from './golden_file';
import { testDevice } from './gpu';
import { pickleOf, py } from './pickle_writer';
import { expectSame, type PortableDetection, portable } from './portable_detections';
import { listedWeights } from './synthetic_weights';
import { zipOf } from './zip_writer';

const NUCLEI = 'models/nuclei.safetensors';
const PICTURE = 'tests/images/nuclei_192x256.png';
const OPTIONS = { minSize: 192, maxSize: 256, boxScoreThresh: 0.3 };
const folder = mkdtempSync(join(tmpdir(), 'formats-'));
const inFolder = (name: string) => join(folder, name);

interface Contents {
  metadata: Record<string, string>;
  tensors: (TensorInfo & { values: Float32Array })[];
}

async function contents(source: Parameters<typeof readWeights>[0]): Promise<Contents> {
  const bytes = new Map<string, Uint8Array>();
  const { metadata, tensors } = await readWeights(source, {
    header: (header) => {
      for (const { name, begin, end } of header.tensors) bytes.set(name, new Uint8Array(end - begin));
    },
    data: ({ name }, offset, piece) => bytes.get(name)!.set(piece, offset),
  });
  return {
    metadata,
    tensors: tensors.map((tensor) => ({
      ...tensor,
      values: toFloat32(tensor.dtype, bytes.get(tensor.name)!),
    })),
  };
}

async function detect(source: Parameters<typeof MaskRCNN.load>[0]): Promise<PortableDetection[]> {
  const model = await MaskRCNN.load(source, { device: await testDevice(), ...OPTIONS });
  const { detections } = await model.detect(await picture(PICTURE));
  model.destroy();
  return detections.map(portable);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['dist/cli.js', ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });

let nuclei: Contents;
let expected: PortableDetection[];
let config: Record<string, string>;

beforeAll(async () => {
  await build({ logLevel: 'error' });
  nuclei = await contents(readFileSync(NUCLEI));
  config = nuclei.metadata;
  expected = await detect(NUCLEI);
  expect(expected.length).toBeGreaterThan(10);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The model's tensors with the weights of layers made into something else. */
function rewritten(weight: (tensor: Contents['tensors'][number]) => TensorData[]): Uint8Array<ArrayBuffer> {
  const tensors = nuclei.tensors.flatMap((tensor): TensorData[] => {
    const { name, shape, values } = tensor;
    return shape.length > 1 ? weight(tensor) : [{ name, dtype: 'F32', shape, data: values }];
  });
  return writeSafetensors(tensors, config);
}

const f32 = ({ name, shape, values }: Contents['tensors'][number]): TensorData => ({
  name,
  dtype: 'F32',
  shape,
  data: values,
});

/** Elements before, along and behind the output channels; those of the transposed convolution come second. */
function axesOf({ name, shape }: TensorInfo): [number, number, number] {
  const [first, second, ...taps] = shape as [number, number, ...number[]];
  const behind = taps.reduce((a, b) => a * b, 1);
  return name.includes('conv5_mask') ? [first, second, behind] : [1, first, second * behind];
}

describe('the weights of layers as', () => {
  test('F64: the same, bit for bit', async () => {
    const wide = rewritten((tensor) => [
      { ...f32(tensor), dtype: 'F64', data: bytesOf(Float64Array.from(tensor.values)) },
    ]);
    expect(await detect(wide)).toEqual(expected);
  });

  test('I8 with scales: as the integers times the scales in F32; U8 with zero points: as I8', async () => {
    const made = new Map(
      nuclei.tensors
        .filter(({ shape }) => shape.length > 1)
        .map((tensor) => [tensor.name, quantise(tensor.values, axesOf(tensor))]),
    );
    const scaleOf = (name: string): TensorData => {
      const { scale } = made.get(name)!;
      return { name: `${name}.scale`, dtype: 'F32', shape: [scale.length], data: scale };
    };
    const dequantised = rewritten((tensor) => {
      const { integers, scale } = made.get(tensor.name)!;
      const [, outputs, behind] = axesOf(tensor);
      const data = Float32Array.from(integers, (n, i) => n * scale[Math.floor(i / behind) % outputs]!);
      return [{ ...f32(tensor), data }];
    });
    const signed = rewritten(({ name, shape }) => [
      { name, dtype: 'I8', shape, data: bytesOf(made.get(name)!.integers) },
      scaleOf(name),
    ]);
    const unsigned = rewritten(({ name, shape }) => {
      const { integers, scale } = made.get(name)!;
      const data = Float32Array.from(scale, (_, o) => 128 - (o % 2));
      const [, outputs, behind] = axesOf({ name, shape } as TensorInfo);
      const shifted = Uint8Array.from(integers, (n, i) => n + data[Math.floor(i / behind) % outputs]!);
      return [
        { name, dtype: 'U8', shape, data: shifted },
        scaleOf(name),
        { name: `${name}.zero_point`, dtype: 'F32', shape: [data.length], data },
      ];
    });
    const found = await detect(signed);
    expectSame(found, await detect(dequantised), 'I8');
    expect(await detect(unsigned)).toEqual(found);
  });
});

describe('the same objects from', () => {
  test('shards with an index', async () => {
    const parts = [nuclei.tensors.filter((_, i) => i % 2), nuclei.tensors.filter((_, i) => i % 2 === 0)];
    const map: Record<string, string> = {};
    parts.forEach((tensors, i) => {
      const name = `model-0000${i + 1}-of-00002.safetensors`;
      for (const tensor of tensors) map[tensor.name] = name;
      writeFileSync(inFolder(name), writeSafetensors(tensors.map(f32), i === 0 ? config : {}));
    });
    writeFileSync(inFolder('model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    expect(await detect(inFolder('model.safetensors.index.json'))).toEqual(expected);
  });

  test('a .pth of a trainer, dropped as a file', async () => {
    const file = new File([pthOf(nuclei)], 'model.pth');
    const model = await InBrowser.load(file, {
      device: await testDevice(),
      ...OPTIONS,
      ...interpret(headerOf()).config,
    });
    model.destroy();
    const loaded = await contents(file);
    for (const { name, values } of nuclei.tensors) {
      const { values: read } = loaded.tensors.find((tensor) => tensor.name === name)!;
      expect(Buffer.compare(bytesOf(read), bytesOf(values)), name).toBe(0);
    }
  });
});

describe('as its family publishes it', () => {
  const found = async (
    source: Parameters<typeof MaskRCNN.load>[0],
    golden: Golden,
    more: LoadOptions = {},
  ) => {
    const options = { ...JSON.parse(golden.metadata.options!), ...more };
    const model = await MaskRCNN.load(source, { device: await testDevice(), tuning: null, ...options });
    const { detections } = await model.detect(await picture(golden.metadata.image!));
    const { architecture, classes } = model.config;
    model.destroy();
    return { detections: detections.map(portable), architecture, classes };
  };

  test("detectron2's .pkl, by its published name", async () => {
    const golden = readGolden('family_d2_mask_50');
    const file = listedWeights(golden, {});
    const { tensors } = await contents(file);
    const arrays = tensors.map(({ name, shape, values }): [string, Uint8Array] => [
      name,
      py.array(shape, 'f4', bytesOf(values)),
    ]);
    const root = py.dict([
      ['model', py.dict(arrays)],
      ['__author__', py.text('Detectron2 Model Zoo')],
    ]);
    writeFileSync(inFolder('model_final.pkl'), pickleOf(root, 4));
    const wanted = await found(file, golden);
    expect(wanted.detections.length).toBeGreaterThan(0);
    const named = await found('detectron2/mask_rcnn_R_50_FPN_3x', golden, {
      url: inFolder('model_final.pkl'),
    });
    expect(named).toEqual({ ...wanted, architecture: 'detectron2/mask_rcnn_R_50_FPN' });
    const converted = inFolder('detectron2.safetensors');
    expect(await run('convert', inFolder('model_final.pkl'), converted)).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await found(converted, golden)).toEqual({ ...wanted, classes: cocoNames(81, false) });
  }, 120_000);

  test("MMDetection's .pth, with the names of its classes", async () => {
    const golden = readGolden('family_mmdetection');
    const file = listedWeights(golden, {});
    const read = await contents(file);
    const names = Array.from({ length: 80 }, (_, i) => py.text(`class ${i + 1}`));
    const meta = py.dict([
      ['CLASSES', py.tuple(names)],
      ['epoch', py.integer(12)],
    ]);
    writeFileSync(inFolder('mmdetection.pth'), pthOf(read, [['meta', meta]]));
    const wanted = await found(file, golden);
    const { detections, classes } = await found(inFolder('mmdetection.pth'), golden);
    expect(wanted.detections.length).toBeGreaterThan(0);
    const unnamed = (list: PortableDetection[]) => list.map(({ label: _, ...rest }) => rest);
    expect(unnamed(detections)).toEqual(unnamed(wanted.detections));
    expect(classes).toEqual(['__background__', ...Array.from({ length: 80 }, (_, i) => `class ${i + 1}`)]);
    for (const { label, classIndex } of detections) expect(label).toBe(`class ${classIndex}`);
  }, 120_000);
});

function headerOf() {
  return { metadata: config, tensors: nuclei.tensors, dataBytes: 0 };
}

/** As torch.save writes {"state_dict": ...}. */
function pthOf({ tensors }: Contents, beside: [string, Uint8Array][] = []): Uint8Array<ArrayBuffer> {
  const state = tensors.map(({ name, shape, values }, i): [string, Uint8Array] => {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const storage = py.storage(String(i), values.length);
    return [name, py.tensor(storage, py.integer(0), shape.map(py.integer), strides.map(py.integer))];
  });
  const pickle = pickleOf(py.dict([...beside, ['state_dict', py.dict(state)]]));
  const storages = tensors.map(({ values }, i) => ({ name: `archive/data/${i}`, data: bytesOf(values) }));
  return zipOf([{ name: 'archive/data.pkl', data: pickle }, ...storages]);
}

test('rounding to BF16 and F16 is to nearest, ties to even', () => {
  const bits = new Uint32Array([0x3f808000, 0x3f818000, 0x3f807fff, 0x7f800001, 0x80000000]);
  const values = new Float32Array(bits.buffer);
  expect([...toBfloat16(values)]).toEqual([0x3f80, 0x3f82, 0x3f80, 0x7fc0, 0x8000]);
  expect([...toFloat16(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11))]).toEqual([0x3c00, 0x3c02]);
});

test('quantised channels are off by half a step at most', () => {
  const values = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * i) * 10 ** (i % 3));
  for (const axes of [
    [1, 5, 12],
    [4, 5, 3],
    [1, 1, 60],
  ] as [number, number, number][]) {
    const { integers, scale } = quantise(values, axes);
    values.forEach((value, i) => {
      const step = scale[Math.floor(i / axes[2]) % axes[1]]!;
      expect(Math.abs(integers[i]! * step - value)).toBeLessThanOrEqual(step * 0.50001);
    });
  }
  const { integers, scale, ...sums } = quantise(new Float32Array(4), [1, 2, 2]);
  expect([[...integers], [...scale], relativeError(sums)]).toEqual([[0, 0, 0, 0], [1, 1], 0]);
});

describe('maskrcnn convert', () => {
  beforeAll(() => {
    writeFileSync(inFolder('classes.txt'), 'nucleus\n');
  });

  test.each([
    ['f32', 'F32', 1e-7],
    ['f16', 'F16', 2 ** -11],
    ['bf16', 'BF16', 2 ** -8],
  ] as const)(
    '--dtype %s: weights rounded, all else F32, and the metadata',
    async (dtype, stored, rounding) => {
      const out = inFolder(`${dtype}.safetensors`);
      expect(await run('convert', NUCLEI, out, '--dtype', dtype)).toMatchObject({ code: 0, stderr: '' });
      const { metadata, tensors } = await contents(readFileSync(out));
      for (const { name, dtype: found, shape, values } of tensors) {
        const wanted = nuclei.tensors.find((tensor) => tensor.name === name)!;
        expect([found, shape], name).toEqual([shape.length > 1 ? stored : 'F32', wanted.shape]);
        values.forEach((value, i) => {
          const limit = Math.abs(wanted.values[i]!) * rounding + 2 ** -25;
          if (!(Math.abs(value - wanted.values[i]!) <= limit)) throw new Error(`${name} ${i}: ${value}`);
        });
      }
      expect(tensors).toHaveLength(nuclei.tensors.length);
      const before = interpret(headerOf()).config;
      expect(interpret({ metadata, tensors, dataBytes: 0 }).config).toEqual(before);
      expect(metadata.source).toBe(NUCLEI);
    },
  );

  test('--dtype i8: a model of a quarter, whose error info tells', async () => {
    const out = inFolder('i8.safetensors');
    const outcome = await run(
      'convert',
      NUCLEI,
      out,
      '--dtype',
      'i8',
      '--classes',
      inFolder('classes.txt'),
      '--bn-eps',
      '0.00002',
    );
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const whole = nuclei.tensors.reduce((sum, { values }) => sum + 4 * values.length, 0);
    expect(readFileSync(out).length / whole).toBeLessThan(0.3);
    const { metadata } = await contents(readFileSync(out));
    expect(metadata).toMatchObject({ bn_eps: '0.00002', classes: '["__background__","nucleus"]' });
    const { code, stdout } = await run('info', out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/8-bit error +0\.\d+ % of a weight in the mean, \d\.\d+ % at most, in \S+/);
    expect(stdout).toMatch(/\.weight +I8 +\S+ +error \d\.\d+ %/);
  });

  test('8 bits find what 32 do', async () => {
    const found = await detect(inFolder('i8.safetensors')); // of the test before
    const near = ([x1, y1, x2, y2]: number[], [a1, b1, a2, b2]: number[]) => {
      const across = Math.min(x2!, a2!) - Math.max(x1!, a1!);
      const down = Math.min(y2!, b2!) - Math.max(y1!, b1!);
      const both = Math.max(0, across) * Math.max(0, down);
      return both / ((x2! - x1!) * (y2! - y1!) + (a2! - a1!) * (b2! - b1!) - both);
    };
    const sure = expected.filter(({ score }) => score > 0.5);
    const matched = sure.filter(({ box }) => found.some((other) => near(box, other.box) > 0.8));
    console.info(`I8: ${matched.length} of ${sure.length} objects found again, ${found.length} in all`);
    expect(matched.length / sure.length).toBeGreaterThan(0.9);
  });

  test('what has another checksum is refused, and leaves no file', async () => {
    const out = inFolder('none.safetensors');
    const { code, stderr } = await run('convert', NUCLEI, out, '--sha256', '0123');
    expect(code).toBe(1);
    expect(stderr).toMatch(/wanted a file whose SHA-256 begins with 0123, got [0-9a-f]{64}/);
    expect(existsSync(out)).toBe(false);
  });

  test('a published name with a path instead of its address', async () => {
    const out = inFolder('named.safetensors');
    const name = 'detectron2/mask_rcnn_R_50_FPN_3x';
    expect(await run('convert', name, out, '--url', inFolder('model_final.pkl'))).toMatchObject({ code: 0 });
    const { metadata } = await contents(readFileSync(out));
    expect(metadata).toMatchObject({
      architecture: 'detectron2/mask_rcnn_R_50_FPN',
      licence: 'CC-BY-SA-3.0',
    });
    expect(JSON.parse(metadata.classes!)).toHaveLength(81); // COCO's, as detect names them
  });

  test('what is no checkpoint is refused, and leaves no file', async () => {
    const { code, stderr } = await run('convert', 'package.json', inFolder('none.safetensors'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^maskrcnn: package\.json: wanted an index with a weight_map/);
    expect(() => readFileSync(inFolder('none.safetensors'))).toThrow();
    expect(() => readFileSync(inFolder('none.safetensors.part'))).toThrow();
  });

  test('models lists the names', async () => {
    const { code, stdout } = await run('models');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /torchvision\/maskrcnn_resnet50_fpn +not stated \(code: BSD-3-Clause\) .*https:\/\/download\.pytorch\.org/,
    );
    expect(stdout).toContain('detectron2/mask_rcnn_R_50_FPN_3x');
  });
});
