// The reader of Caffe2's two files, over a small graph written here; and what it makes of damaged ones.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { interpret } from '../src/load';
import { COCO_CATEGORIES } from '../src/model/coco';
import { openModel } from '../src/node';
import { readCaffe2 } from '../src/weights/caffe2';
import { readNet } from '../src/weights/caffe2_net';
import { fromCaffe2 } from '../src/weights/caffe2_source';
import { caffe2Files } from '../src/weights/model_source';
import { fields } from '../src/weights/protobuf';
import { readSafetensors } from '../src/weights/safetensors';
import { message, type OperatorRow, writeNet } from './caffe2_writer';
import { serve } from './web_server';

const bytes = (values: number[]) => ({ s: Uint8Array.from(values) });

function int8(name: string, shape: number[], values: number[], scale: number, zero: number): OperatorRow {
  const given = {
    shape: { ints: shape },
    values: bytes(values),
    Y_scale: { f: scale },
    Y_zero_point: { i: zero },
  };
  return { type: 'Int8GivenTensorFill', outputs: [name], arguments: given };
}

function int32(name: string, values: number[], scale: number): OperatorRow {
  const given = {
    shape: { ints: [values.length] },
    values: { ints: values },
    Y_scale: { f: scale },
    Y_zero_point: { i: 0 },
  };
  return { type: 'Int8GivenIntTensorFill', outputs: [name], arguments: given };
}

const count = (n: number) => Array.from({ length: n }, (_, i) => i);

const init: OperatorRow[] = [
  int8('conv0_conv_w_int8', [2, 2, 3, 3], count(36), 0.5, 10),
  int32('conv0_bn_b_int8', [-3, 2_000_000], 0.25),
  int8('xif0_0_dw_conv_w_int8', [2, 1, 1, 1], [1, 255], 1, 0),
  int32('xif0_0_dw_b_int8', [0, 0], 1),
  int8('xif3_1_dw_conv_w_int8', [2, 1, 1, 1], [1, 2], 1, 0),
  int8('[rpn]xif3_4_dw_conv_w_int8', [2, 1, 1, 1], [1, 2], 1, 0),
  int8('_[bbox]_xif4_3_bn_1x1_conv_w_int8', [2, 1, 1, 1], [1, 2], 1, 0),
  int8('conv5_mask_w_int8', [2, 1, 2, 3], count(12), 1, 0),
  int32('conv5_mask_b_int8', [1, 2, 3], 1),
  int8('cls_score_w_int8', [3, 2], count(6), 1, 1),
  {
    type: 'GivenTensorFill',
    outputs: ['anchor'],
    arguments: { shape: { ints: [2, 4] }, values: { floats: [-4.5, -4, 4, 4, -8, -2, 8, 2] } },
  },
];

function layer(
  type: string,
  weight: string,
  bias: string,
  given: OperatorRow['arguments'] = {},
): OperatorRow {
  return { type, inputs: ['x', weight, bias], outputs: [`${weight} out`], arguments: given };
}

const net: OperatorRow[] = [
  { type: 'Int8Quantize', inputs: ['data'], outputs: ['data_int8'] },
  layer('Int8ConvRelu', 'conv0_conv_w_int8', 'conv0_bn_b_int8'),
  layer('Int8Conv', 'xif0_0_dw_conv_w_int8', 'xif0_0_dw_b_int8', { stride: { i: 1 } }),
  layer('Int8Conv', 'xif3_1_dw_conv_w_int8', 'xif0_0_dw_b_int8', { stride: { i: 2 } }),
  layer('Int8Conv', '[rpn]xif3_4_dw_conv_w_int8', 'xif0_0_dw_b_int8', { stride: { i: 1 } }),
  layer('Int8ConvRelu', '_[bbox]_xif4_3_bn_1x1_conv_w_int8', 'xif0_0_dw_b_int8'),
  layer('Int8ConvTranspose', 'conv5_mask_w_int8', 'conv5_mask_b_int8'),
  layer('Int8FC', 'cls_score_w_int8', 'conv5_mask_b_int8'),
  {
    type: 'GenerateProposals',
    inputs: ['p', 'd', 'im_info', 'anchor'],
    outputs: ['rois'],
    arguments: {
      pre_nms_topN: { i: 3000 },
      post_nms_topN: { i: 120 },
      nms_thresh: { f: 0.7 },
      min_size: { f: 0 },
    },
  },
  { type: 'RoIAlign', outputs: ['pooled'], arguments: { pooled_h: { i: 6 }, sampling_ratio: { i: 0 } } },
  {
    type: 'BoxWithNMSLimit',
    outputs: ['boxes'],
    arguments: { score_thresh: { f: 0.05 }, nms: { f: 0.3 }, detections_per_im: { i: 100 } },
  },
];

const files = { init: writeNet(init), net: writeNet(net) };

test('int8 and int32 become floats, in our layouts and under our names', () => {
  const { tensors } = readCaffe2(files.init, files.net);
  const found = Object.fromEntries(
    tensors.map(({ name, shape, data }) => [name, { shape, data: [...data] }]),
  );
  expect(Object.keys(found)).toEqual([
    'backbone.stem.weight',
    'backbone.stem.bias',
    'backbone.blocks.0.depthwise.weight',
    'backbone.blocks.0.depthwise.bias',
    'backbone.blocks.1.depthwise.weight',
    'backbone.blocks.1.depthwise.bias',
    'rpn.head.blocks.0.depthwise.weight',
    'rpn.head.blocks.0.depthwise.bias',
    'roi_heads.box_head.conv.weight',
    'roi_heads.box_head.conv.bias',
    'roi_heads.mask_predictor.conv5_mask.weight',
    'roi_heads.mask_predictor.conv5_mask.bias',
    'roi_heads.box_predictor.cls_score.weight',
    'roi_heads.box_predictor.cls_score.bias',
  ]);
  expect(found['backbone.stem.bias']!.data).toEqual([-0.75, 500_000]);
  // [O, Y, X, I] = [2, 2, 3, 3] -> [O, I, Y, X]: every third value of an output's 18
  const { shape, data } = found['backbone.stem.weight']!;
  expect(shape).toEqual([2, 3, 2, 3]);
  expect(data.slice(0, 8)).toEqual([0, 3, 6, 9, 12, 15, 1, 4].map((value) => (value - 10) * 0.5));
  expect(data[35]).toBe((35 - 10) * 0.5);
  // [I, Y, X, O] = [2, 1, 2, 3] -> [I, O, Y, X]
  const transposed = found['roi_heads.mask_predictor.conv5_mask.weight']!;
  expect(transposed).toEqual({ shape: [2, 3, 1, 2], data: [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11] });
  expect(found['roi_heads.box_predictor.cls_score.weight']).toEqual({
    shape: [3, 2],
    data: [-1, 0, 1, 2, 3, 4],
  });
});

test('numbers that are packed into one field are the same', () => {
  expect(readCaffe2(writeNet(init, true), writeNet(net, true))).toEqual(readCaffe2(files.init, files.net));
});

test('the graph becomes metadata, which our configuration takes', async () => {
  const bufferOf = await fromCaffe2(files, ['background', 'cat']);
  const header = await readSafetensors(bufferOf, { header() {}, data() {} });
  const { config } = interpret(header);
  expect(config).toMatchObject({
    architecture: 'facebook/maskrcnn2go',
    minSize: 320,
    maxSize: 640,
    scaleRule: 'detectron',
    sizeDivisor: 1,
    colourOrder: 'bgr',
    colourRange: 255,
    classes: ['background', 'cat'],
    cellAnchors: [
      [
        [-4.5, -4, 4, 4],
        [-8, -2, 8, 2],
      ],
    ],
    blockStrides: { backbone: [1, 2], 'rpn.head': [1] },
    inclusiveBoxes: true,
    rpnPreNmsTopN: 3000,
    rpnPostNmsTopN: 120,
    rpnNmsThresh: Math.fround(0.7),
    boxScoreThresh: Math.fround(0.05),
    boxNmsThresh: Math.fround(0.3),
    roiBins: 6,
    roiSamples: 0,
  });
});

test('numbers of 64 bits, and fields of no interest', () => {
  const read = (...values: number[]) => [...fields(message(values.map((value) => [1, value])), 'it')];
  const values = [0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 52 + 1, -1, -(2 ** 31), -(2 ** 40)];
  expect(read(...values).map(([, value]) => value)).toEqual(values);
  const [operator] = readNet(
    message([
      [9, 5],
      [
        2,
        message([
          [4, 'Op'],
          [7, 'x'],
          [8, 3],
        ]),
      ],
    ]),
    'it',
  );
  expect(operator).toMatchObject({ type: 'Op', inputs: [], outputs: [] });
});

const without = (rows: OperatorRow[], name: string) => rows.filter(({ outputs }) => outputs?.[0] !== name);
const FAULTS: [what: string, init: Uint8Array, net: Uint8Array, message: RegExp][] = [
  ['an empty file', new Uint8Array(), files.net, /model_init\.pb: wanted a Caffe2 NetDef.*got none/],
  ['no graph', files.init, message([[1, 'net']]), /model\.pb: wanted a Caffe2 NetDef/],
  ['a missing tensor', writeNet(without(init, 'anchor')), files.net, /lacks 'anchor'/],
  ['a tensor that comes twice', writeNet([...init, init[0]!]), files.net, /got 'conv0_conv_w_int8' again/],
  [
    'too few values',
    writeNet([int8('conv0_conv_w_int8', [2, 2, 3, 3], [1], 1, 0), ...init.slice(1)]),
    files.net,
    /conv0_conv_w_int8: wanted 36 values for shape \[2,2,3,3\], got 1/,
  ],
  [
    'an unknown layer',
    files.init,
    writeNet([layer('Int8Conv', 'fpn_w_int8', 'b'), ...net]),
    /got a weight 'fpn_w_int8'/,
  ],
  ['another graph', files.init, writeNet(without(net, 'rois')), /without GenerateProposals/],
  ['a page', new TextEncoder().encode('<!DOCTYPE html>'), files.net, /model_init\.pb/],
  [
    'a length beyond the file',
    Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0x7f),
    files.net,
    /wanted 268435455 bytes, got 0/,
  ],
  ['a number without end', new Uint8Array(40).fill(0xff), files.net, /at most 10 bytes/],
  ['a group', Uint8Array.of(0x13), files.net, /wire type 0, 1, 2 or 5, got 3/],
  ['text that is none', message([[2, message([[4, Uint8Array.of(0xff)]])]]), files.net, /UTF-8/],
];

test.each(FAULTS)('refused: %s', (_, initBytes, netBytes, expected) => {
  expect(() => readCaffe2(initBytes, netBytes)).toThrow(WeightError);
  expect(() => readCaffe2(initBytes, netBytes)).toThrow(expected);
});

test('files that are cut off are refused', () => {
  for (let end = 0; end < files.init.length; end++) {
    expect(() => readCaffe2(files.init.subarray(0, end), files.net), `${end}`).toThrow(WeightError);
  }
  for (let end = 0; end < files.net.length; end++) {
    expect(() => readCaffe2(files.init, files.net.subarray(0, end)), `${end}`).toThrow(WeightError);
  }
});

test('damaged files give tensors or a WeightError, nothing else', () => {
  const flips = (file: Uint8Array) =>
    fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const damaged = file.slice();
      for (const [at, value] of changes) damaged[at] = value;
      return damaged;
    });
  fc.assert(
    fc.property(flips(files.init), flips(files.net), (initBytes, netBytes) => {
      try {
        expect(readCaffe2(initBytes, netBytes).tensors.length).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof WeightError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
      expect(() => readCaffe2(noise, files.net)).toThrow(WeightError);
    }),
  );
});

test('from a folder, and from a server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'caffe2-'));
  writeFileSync(join(folder, 'model.pb'), files.net);
  writeFileSync(join(folder, 'model_init.pb'), files.init);
  const server = await serve({ '/go/': folder });
  try {
    const want = await fromCaffe2(files, COCO_CATEGORIES);
    for (const source of [folder, join(folder, 'model_init.pb'), `${server.url}/go/`]) {
      expect(Buffer.compare((await openModel(source, { cache: false })) as Uint8Array, want), source).toBe(0);
    }
    for (const url of [`${server.url}/go/`, new URL(`${server.url}/go`), folder]) {
      const named = await openModel('facebook/maskrcnn2go', { cache: false, url });
      expect(Buffer.compare(named as Uint8Array, want), String(url)).toBe(0);
    }
    const sha256 = createHash('sha256').update(files.init).digest('hex'); // of the weights
    await openModel(`${server.url}/go/`, { cache: false, sha256 });
    await expect(openModel(`${server.url}/go/`, { cache: false, sha256: '00' })).rejects.toThrow(
      /model_init\.pb: wanted a file whose SHA-256 begins with 00/,
    );
    await expect(openModel(`${server.url}/none/`, { cache: false })).rejects.toThrow(
      /model\.pb: wanted HTTP status/,
    );
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

test('addresses that stand for the two files', () => {
  const at = (base: string) => ({ net: `${base}model.pb`, init: `${base}model_init.pb` });
  expect(caffe2Files('https://example.org/go/')).toEqual(at('https://example.org/go/'));
  expect(caffe2Files('https://example.org/go/model.pb')).toEqual(at('https://example.org/go/'));
  expect(caffe2Files(new URL('https://example.org/model_init.pb'))).toEqual(at('https://example.org/'));
  expect(caffe2Files('models/model.pb')).toEqual(at('models/'));
  expect(caffe2Files('model.pb')).toEqual(at(''));
  expect(caffe2Files('https://example.org/a.safetensors')).toBeUndefined();
  expect(caffe2Files('data:application/octet-stream;base64,AAA/')).toBeUndefined();
  expect(caffe2Files(new ArrayBuffer(4))).toBeUndefined();
  const published = caffe2Files('facebook/maskrcnn2go')!;
  expect(String(published.net)).toMatch(
    /^https:\/\/raw\.githubusercontent\.com\/facebookarchive\/models\/65b8ec4b/,
  );
  expect(published.checksums).toHaveLength(2);
  for (const url of [
    'https://example.org/go',
    'https://example.org/go/',
    'https://example.org/go/model.pb',
  ]) {
    expect(caffe2Files('facebook/maskrcnn2go', url)).toEqual(at('https://example.org/go/'));
  }
  expect(caffe2Files('facebook/maskrcnn2go', '/a.safetensors')).toBeUndefined();
  expect(caffe2Files('torchvision/maskrcnn_resnet50_fpn', '/a.pth')).toBeUndefined();
});
