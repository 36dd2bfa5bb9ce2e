// The families whose golden files there are: those with results, and trunks of which only the maps are compared.

export const FAMILIES = [
  'tv_mask',
  'tv_faster',
  'tv_mask_v2',
  'tv_faster_v2',
  'tv_keypoint',
  'tv_mobile',
  'tv_mobile_320',
  'd2_faster_50',
  'd2_mask_50',
  'd2_mask_101',
  'd2_mask_x101',
  'd2_keypoint',
  'benchmark',
  'mmdetection',
  'layers_2_4_of_48',
  'layers_1_3_of_30',
];

export const TRUNKS = [
  'resnet18',
  'resnet34',
  'resnet101',
  'resnet152',
  'resnext50_32x4d',
  'resnext101_32x8d',
  'resnext101_64x4d',
  'wide_resnet50_2',
  'wide_resnet101_2',
];
