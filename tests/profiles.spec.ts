// The profile table: which row a checkpoint gets, and what its names become.

import { describe, expect, test } from 'vitest';
import { interpret, networkOf } from '../src/load';
import type { Config } from '../src/model/config';
import { profileOf } from '../src/model/profiles';
import { readGolden } from './golden_file';
import type { ListedTensor } from './synthetic_weights';

/** The header of a golden case's file. */
function headerOf(name: string, metadata: Record<string, string> = {}) {
  const listed = JSON.parse(readGolden(`family_${name}`).metadata.tensors!) as ListedTensor[];
  const tensors = listed.map(([tensor, , shape]) => ({
    name: tensor,
    dtype: 'F32' as const,
    shape,
    begin: 0,
    end: 0,
  }));
  return { metadata, tensors, dataBytes: 0 };
}

const D2: Partial<Config> = { colourOrder: 'bgr', resize: 'pillow', roiAligned: true, backgroundLast: true };
const NAMED: [architecture: string, file: string, config: Partial<Config>][] = [
  ['torchvision/maskrcnn_resnet50_fpn', 'tv_mask', { bnEps: 0, resize: 'float', strideIn1x1: false }],
  ['torchvision/maskrcnn_resnet50_fpn_v2', 'tv_mask_v2', { bnEps: 1e-5 }],
  ['torchvision/fasterrcnn_resnet50_fpn', 'tv_faster', { bnEps: 1e-5 }],
  ['torchvision/fasterrcnn_resnet50_fpn_v2', 'tv_faster_v2', { bnEps: 1e-5 }],
  ['torchvision/fasterrcnn_mobilenet_v3_large_fpn', 'tv_mobile', { minSize: 800, rpnScoreThresh: 0.05 }],
  [
    'torchvision/fasterrcnn_mobilenet_v3_large_320_fpn',
    'tv_mobile_320',
    { minSize: 320, rpnPreNmsTopN: 150 },
  ],
  ['torchvision/keypointrcnn_resnet50_fpn', 'tv_keypoint', { keypointScore: 'logit' }],
  ['detectron2/faster_rcnn_R_50_FPN', 'd2_faster_50', { ...D2, strideIn1x1: true, imageStd: [1, 1, 1] }],
  ['detectron2/mask_rcnn_R_50_FPN', 'd2_mask_50', { ...D2, strideIn1x1: true }],
  ['detectron2/faster_rcnn_R_101_FPN', 'd2_mask_101', { ...D2, strideIn1x1: true }],
  ['detectron2/mask_rcnn_R_101_FPN', 'd2_mask_101', { ...D2, strideIn1x1: true }],
  ['detectron2/faster_rcnn_X_101_32x8d_FPN', 'd2_mask_x101', { ...D2, strideIn1x1: false }],
  ['detectron2/mask_rcnn_X_101_32x8d_FPN', 'd2_mask_x101', { ...D2, imageStd: [57.375, 57.12, 58.395] }],
  ['detectron2/keypoint_rcnn_R_50_FPN', 'd2_keypoint', { ...D2, keypointScore: 'probability' }],
  ['maskrcnn-benchmark/mask_rcnn_R_50_FPN', 'benchmark', { inclusiveBoxes: true, anchorRounding: 'legacy' }],
  [
    'mmdetection/mask_rcnn_r50_fpn',
    'mmdetection',
    { clampBelow: true, resize: 'opencv', colourOrder: 'rgb' },
  ],
];

describe.each(NAMED)('%s', (architecture, file, config) => {
  test('by its name in the metadata', () => {
    const found = interpret(headerOf(file, { architecture }));
    expect(found.config).toMatchObject({ architecture, ...config });
  });

  test('by its name in the options, whatever the metadata say', () => {
    const header = headerOf(file, { architecture: 'facebook/maskrcnn2go', min_size: '96' });
    expect(interpret(header, { architecture }).config).toMatchObject({
      architecture,
      ...config,
      minSize: 96,
    });
  });

  test('by its tensors; the names become those that torchvision gives them', () => {
    const { tensors, config: found, nameOf } = interpret(headerOf(file));
    if (!file.endsWith('_320')) expect(found).toMatchObject(config); // they are the larger one's
    const listed = JSON.parse(readGolden(`family_${file}`).metadata.tensors!) as ListedTensor[];
    expect(tensors.size).toBe(listed.length);
    for (const [name, own] of listed) expect(nameOf(name)).toBe(own);
  });
});

test('MaskRCNN2Go by its name', () => {
  expect(profileOf('facebook/maskrcnn2go', []).config).toEqual({});
});

test('an architecture that no row has: by the tensors', () => {
  const { config } = interpret(headerOf('mmdetection', { architecture: 'somebody/mask_rcnn' }));
  expect(config).toMatchObject({ architecture: 'somebody/mask_rcnn', resize: 'opencv' });
});

test('what is no weight is passed over', () => {
  const { nameOf } = interpret(headerOf('d2_mask_50'));
  for (const name of ['pixel_mean', 'pixel_std', 'proposal_generator.anchor_generator.cell_anchors.0']) {
    expect(nameOf(name)).toBeUndefined();
  }
  const torchvision = interpret(headerOf('tv_mask_v2'));
  expect(torchvision.nameOf('backbone.body.bn1.num_batches_tracked')).toBeUndefined();
});

test("detectron2's later models: two RPN convolutions, convolutions with norms in the heads", () => {
  const { names } = profileOf('detectron2/mask_rcnn_R_50_FPN_400ep_LSJ', []);
  expect(names('proposal_generator.rpn_head.conv.conv1.weight')).toBe('rpn.head.conv.1.0.weight');
  expect(names('roi_heads.box_head.conv4.norm.bias')).toBe('roi_heads.box_head.3.1.bias');
  expect(names('roi_heads.box_head.conv1.weight')).toBe('roi_heads.box_head.0.0.weight');
  expect(names('roi_heads.box_head.fc1.weight')).toBe('roi_heads.box_head.fc6.weight');
  expect(names('roi_heads.mask_head.mask_fcn2.norm.weight')).toBe('roi_heads.mask_head.1.1.weight');
  expect(names('backbone.fpn_output3.norm.running_var')).toBe('backbone.fpn.layer_blocks.1.1.running_var');
});

const BLOBS: [blob: string, name: string | undefined][] = [
  ['conv1_w', 'backbone.body.conv1.weight'],
  ['res_conv1_bn_gamma', 'backbone.body.bn1.weight'],
  ['res_conv1_bn_beta', 'backbone.body.bn1.bias'],
  ['res_conv1_bn_running_mean', 'backbone.body.bn1.running_mean'],
  ['res_conv1_bn_running_var', 'backbone.body.bn1.running_var'],
  ['res4_22_branch2b_bn_rm', 'backbone.body.layer3.22.bn2.running_mean'],
  ['res4_22_branch2b_bn_riv', 'backbone.body.layer3.22.bn2.running_var'],
  ['res2_0_branch1_w', 'backbone.body.layer1.0.downsample.0.weight'],
  ['res2_0_branch1_bn_s', 'backbone.body.layer1.0.downsample.1.weight'],
  ['fpn_inner_res5_2_sum_b', 'backbone.fpn.inner_blocks.3.0.bias'],
  ['fpn_inner_res4_22_sum_lateral_w', 'backbone.fpn.inner_blocks.2.0.weight'],
  ['fpn_res2_2_sum_w', 'backbone.fpn.layer_blocks.0.0.weight'],
  ['_[mask]_fcn4_b', 'roi_heads.mask_head.3.0.bias'],
  ['conv_fcn8_w', 'roi_heads.keypoint_head.14.weight'],
  ['kps_score_lowres_b', 'roi_heads.keypoint_predictor.kps_score_lowres.bias'],
  ['fc7_w_momentum', undefined],
  ['fc1000_b', undefined],
  ['kps_score_w', undefined], // enlarges heatmaps, always alike
  ['head_conv1_gn_s', 'head_conv1_gn_s'], // none of ours: refused by this name
];

test.each(BLOBS)("Caffe2's %s", (blob, name) => {
  const tensors = ['res2_0_branch2a_w [64,64,1,1]', 'res2_0_branch2b_w [64,64,3,3]'];
  expect(profileOf(undefined, tensors).names(blob)).toBe(name);
});

test("Caffe2's names of a ResNeXt: the row of its pixel statistics and stride", () => {
  const tensors = ['res2_0_branch2a_w [256,64,1,1]', 'res2_0_branch2b_w [256,8,3,3]'];
  expect(profileOf(undefined, tensors).config).toMatchObject({ backgroundLast: false, strideIn1x1: false });
  expect(profileOf('detectron2/mask_rcnn_X_101_32x8d_FPN', tensors).names('fc6_w')).toBe(
    'roi_heads.box_head.fc6.weight',
  );
});

test("norms without statistics: detectron2's only", async () => {
  const without = (file: string) => {
    const { metadata, tensors } = headerOf(file);
    const left = tensors.filter(({ name }) => !/bn1\.running|stem\.conv1\.norm\.running/.test(name));
    return { metadata, tensors: left, dataBytes: 0 };
  };
  await networkOf(without('d2_mask_50'));
  await expect(networkOf(without('tv_mask_v2'))).rejects.toThrow(/lacks \d+ tensors.*bn1\.running_mean/);
  const { metadata, tensors } = headerOf('d2_mask_50');
  const half = tensors.filter(({ name }) => name !== 'backbone.bottom_up.stem.conv1.norm.running_var');
  await expect(networkOf({ metadata, tensors: half, dataBytes: 0 })).rejects.toThrow(
    /lacks 1 tensors.*bn1\.running_var/,
  );
});

test('the same tensor under two names', () => {
  const header = headerOf('tv_mask_v2');
  const twice = { ...header.tensors[0]!, name: 'rpn.head.conv.bias' };
  expect(() => interpret({ ...header, tensors: [...header.tensors, twice] })).toThrow(
    /holds rpn\.head\.conv\.0\.0\.bias twice/,
  );
});
