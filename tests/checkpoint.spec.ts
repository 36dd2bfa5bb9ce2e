// Checkpoints: what a network is made of follows from tensors and metadata, and what does not fit is said.

import { describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { MaskRCNN } from '../src/mask_rcnn';
import { writeSafetensors } from '../src/weights/write_safetensors';
import { testDevice } from './gpu';
import { type KernelCase, random, uniform } from './kernel_case';
import * as convolutions from './reference/conv2d';

type Dtype = 'F32' | 'F16';

interface NamedTensor {
  name: string;
  dtype: Dtype;
  shape: number[];
  data: Float32Array;
}

interface Variant {
  block?: 'basic' | 'bottleneck';
  groups?: number;
  stages?: number;
  masks?: boolean;
  classes?: number;
  dtype?: Dtype;
}

const C = 8; // channels of everything narrow

/** A narrow network with torchvision's names: the tensors of a whole checkpoint, small enough for any test. */
function narrow(variant: Variant = {}): NamedTensor[] {
  const { block = 'basic', groups = 1, stages = 3, masks = true, classes = 3, dtype = 'F32' } = variant;
  const tensors: NamedTensor[] = [];
  const add = (name: string, shape: number[], value?: number) => {
    const fan = shape.slice(1).reduce((a, b) => a * b, 1);
    const { data } = random(shape, name.length);
    const scaled = (data as Float32Array).map((x) => value ?? x / Math.sqrt(fan));
    tensors.push({ name, dtype, shape, data: scaled });
  };
  const norm = (name: string, channels: number) => {
    for (const part of ['weight', 'bias', 'running_mean']) add(`${name}.${part}`, [channels]);
    add(`${name}.running_var`, [channels], 0.5);
  };
  const layer = (name: string, shape: number[], bias = true) => {
    add(`${name}.weight`, shape);
    if (bias) add(`${name}.bias`, [name.endsWith('conv5_mask') ? shape[1]! : shape[0]!]);
  };
  const body = 'backbone.body';
  layer(`${body}.conv1`, [C, 3, 7, 7], false);
  norm(`${body}.bn1`, C);
  let input = C;
  for (let stage = 1; stage <= stages; stage++) {
    const output = C * 2 ** stage;
    const at = `${body}.layer${stage}.0`;
    const shapes =
      block === 'basic'
        ? [
            [output, input, 3, 3],
            [output, output, 3, 3],
          ]
        : [
            [output, input, 1, 1],
            [output, output / groups, 3, 3],
            [output, output, 1, 1],
          ];
    shapes.forEach((shape, i) => {
      layer(`${at}.conv${i + 1}`, shape, false);
      norm(`${at}.bn${i + 1}`, output);
    });
    layer(`${at}.downsample.0`, [output, input, 1, 1], false);
    norm(`${at}.downsample.1`, output);
    layer(`backbone.fpn.inner_blocks.${stage - 1}.0`, [C, output, 1, 1]);
    layer(`backbone.fpn.layer_blocks.${stage - 1}.0`, [C, C, 3, 3]);
    input = output;
  }
  layer('rpn.head.conv.0.0', [C, C, 3, 3]);
  layer('rpn.head.cls_logits', [3, C, 1, 1]);
  layer('rpn.head.bbox_pred', [12, C, 1, 1]);
  layer('roi_heads.box_head.fc6', [16, C * 49]);
  layer('roi_heads.box_head.fc7', [16, 16]);
  layer('roi_heads.box_predictor.cls_score', [classes, 16]);
  layer('roi_heads.box_predictor.bbox_pred', [4 * classes, 16]);
  if (masks) {
    layer('roi_heads.mask_head.0.0', [C, C, 3, 3]);
    layer('roi_heads.mask_predictor.conv5_mask', [C, C, 2, 2]);
    layer('roi_heads.mask_predictor.mask_fcn_logits', [classes, C, 1, 1]);
  }
  return tensors;
}

const METADATA = {
  architecture: 'torchvision/maskrcnn_resnet_fpn',
  anchor_sizes: '[[16],[32],[64],[128]]',
  anchor_ratios: '[[0.5,1,2],[0.5,1,2],[0.5,1,2],[0.5,1,2]]',
  min_size: '96',
  max_size: '128',
  box_score_thresh: '0.2',
};

async function load(tensors: NamedTensor[], metadata: Record<string, string> = METADATA, options = {}) {
  const device = await testDevice();
  return MaskRCNN.load(writeSafetensors(tensors, metadata), { device, ...options });
}

const next = uniform(11);
const image = {
  width: 90,
  height: 70,
  data: Uint8Array.from({ length: 90 * 70 * 4 }, () => Math.floor(256 * next())),
};

describe('the network follows from the tensors', () => {
  const variants: [string, Variant][] = [
    ['basic blocks, three stages, masks', {}],
    ['bottlenecks', { block: 'bottleneck' }],
    ['grouped bottlenecks (ResNeXt)', { block: 'bottleneck', groups: 4 }],
    ['no mask head: Faster R-CNN', { masks: false }],
    ['F16 weights', { dtype: 'F16' }],
    ['91 classes', { classes: 91 }],
  ];
  for (const [what, variant] of variants) {
    test(what, async () => {
      const model = await load(narrow(variant), METADATA, {
        boxScoreThresh: variant.classes === 91 ? 0.005 : 0.2,
      });
      const { detections, width, height } = await model.detect(image);
      expect([width, height]).toEqual([90, 70]);
      expect(detections.length).toBeGreaterThan(0);
      for (const { score, box, mask, classIndex } of detections) {
        expect(score).toBeGreaterThan(0);
        expect(box.every(Number.isFinite)).toBe(true);
        expect(classIndex).toBeGreaterThan(0);
        expect(mask !== undefined).toBe(variant.masks !== false);
      }
      const labels = model.describe(70, 90).map((row) => row.label);
      expect(labels.some((label) => label.includes('mask_head'))).toBe(variant.masks !== false);
      expect(labels.includes('backbone.body.layer1.0.conv3')).toBe(variant.block === 'bottleneck');
      model.destroy();
    });
  }

  test('other stages than expected: a lateral without a stage', async () => {
    const tensors = narrow().filter(({ name }) => !name.startsWith('backbone.body.layer3'));
    await expect(load(tensors)).rejects.toThrow(
      /inner_blocks\.2\.0\.weight takes 64 channels; the stages have 16, 32/,
    );
  });

  test('old names are the new ones, with an eps of 0', async () => {
    const renamed = narrow().map((tensor) => ({
      ...tensor,
      name: tensor.name
        .replace(/(inner|layer)_blocks\.(\d)\.0\./, '$1_blocks.$2.')
        .replace('rpn.head.conv.0.0.', 'rpn.head.conv.')
        .replace('mask_head.0.0.', 'mask_head.mask_fcn1.'),
    }));
    const [old, current] = [await load(renamed), await load(narrow(), METADATA, { bnEps: 0 })];
    expect(old.config.bnEps).toBe(0);
    expect((await old.detect(image)).detections).toEqual((await current.detect(image)).detections);
    old.destroy();
    current.destroy();
  });
});

test('batch norm is folded: conv1 equals convolution, norm and ReLU in float64', async () => {
  const tensors = narrow();
  const model = await load(tensors, { ...METADATA, bn_eps: '0.25' });
  const { tensors: read } = await model.detect(image, { tensors: ['image', 'backbone.body.conv1'] });
  const of = (name: string) => tensors.find((tensor) => tensor.name === `backbone.body.${name}`)!;
  const bare = convolutions.conv2d(
    { ...read!.image!, dtype: 'f32' } as KernelCase['inputs'][string] & object,
    { ...of('conv1.weight'), dtype: 'f32', shape: [C, 3, 7, 7] },
    { stride: 2, padding: 3 },
  );
  const want = bare.map((x, i) => {
    const [w, b, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => of(`bn1.${part}`).data[i % C]!,
    ) as [number, number, number, number];
    return Math.max(0, ((x - mean) / Math.sqrt(variance + 0.25)) * w + b);
  });
  const got = read!['backbone.body.conv1']!.data;
  const worst = want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
  expect(worst).toBeLessThan(1e-5);
  model.destroy();
});

describe('what does not fit is said', () => {
  test('missing tensors: all of them, by name', async () => {
    const gone = [
      'backbone.body.conv1.weight',
      'backbone.body.layer2.0.bn1.running_var',
      'backbone.fpn.layer_blocks.1.0.weight',
      'rpn.head.cls_logits.weight',
      'roi_heads.box_head.fc6.weight',
      'roi_heads.mask_predictor.conv5_mask.weight',
    ];
    const error = await load(narrow().filter(({ name }) => !gone.includes(name))).catch((reason) => reason);
    expect(error).toBeInstanceOf(WeightError);
    for (const name of gone) expect(error.message).toContain(name);
  });

  test('unexpected tensors, by name', async () => {
    const extra = narrow().concat({ name: 'head.extra', dtype: 'F32', shape: [1], data: Float32Array.of(1) });
    await expect(load(extra)).rejects.toThrow(/no use for: 1 \(head\.extra\)/);
  });

  test('a misshapen tensor: wanted and found', async () => {
    const tensors = narrow().map((tensor) =>
      tensor.name === 'roi_heads.box_head.fc7.bias'
        ? { ...tensor, shape: [8], data: new Float32Array(8) }
        : tensor,
    );
    await expect(load(tensors)).rejects.toThrow(/fc7\.bias: wanted shape \[16\]; found \[8\]/);
  });

  test('a weight that is NaN, and a variance that cannot be normalised', async () => {
    const broken = narrow();
    broken.find(({ name }) => name === 'rpn.head.conv.0.0.weight')!.data[5] = Number.NaN;
    await expect(load(broken)).rejects.toThrow(/rpn\.head\.conv\.0\.0\.weight: .*NaN/);
    const negative = narrow();
    negative.find(({ name }) => name === 'backbone.body.bn1.running_var')!.data[2] = -1;
    await expect(load(negative)).rejects.toThrow(/bn1: channel 2 cannot be normalised/);
  });

  test('metadata and options that make no sense', async () => {
    await expect(load(narrow(), { ...METADATA, min_size: '-3' })).rejects.toThrow(
      /minSize: wanted a positive/,
    );
    await expect(load(narrow(), { ...METADATA, classes: '[1' })).rejects.toThrow(
      /metadata classes: wanted JSON/,
    );
    await expect(load(narrow(), METADATA, { boxDetectionsPerImg: 2000 })).rejects.toThrow(/1 to 1024/);
    await expect(load(narrow(), { min_size: '96' })).rejects.toThrow(
      /anchorSizes: .* each of the 4 pyramid levels/,
    );
    await expect(load(narrow(), { ...METADATA, anchor_ratios: '[[1],[1],[1],[1]]' })).rejects.toThrow(
      /has 3 anchors a cell; .* make 1/,
    );
  });

  test('a picture that needs more than the device binds', async () => {
    const model = await load(narrow(), METADATA, { minSize: 8000, maxSize: 8000 });
    await expect(model.detect(image)).rejects.toThrow(/the device binds at most .* Use a smaller maxSize/);
    model.destroy();
  });

  test('a label that no node has', async () => {
    const model = await load(narrow());
    await expect(model.detect(image, { tensors: ['backbone.conv1'] })).rejects.toThrow(
      /no node is labelled 'backbone\.conv1'; near it: backbone\.body\.conv1/,
    );
    model.destroy();
  });
});

test('options of load go over metadata, metadata over defaults', async () => {
  const model = await load(narrow(), { ...METADATA, classes: '["", "cat", "dog"]' }, { boxScoreThresh: 0.3 });
  expect(model.config).toMatchObject({ minSize: 96, boxScoreThresh: 0.3, rpnNmsThresh: 0.7 });
  const { detections } = await model.detect(image);
  for (const { label, classIndex } of detections) expect(label).toBe(['', 'cat', 'dog'][classIndex]);
  model.destroy();
});
