// Published checkpoints by name, so that a user with a network needs no more. The addresses are those that
// torchvision's weights and detectron2's MODEL_ZOO.md name. Licences: MODEL_ZOO.md, "License"; torchvision's README,
// "Pre-trained Model License", which leaves that of the weights open.

import type { Checksum } from './checksum';

export interface Published {
  /** Where it is; of a Caffe2 model the graph and then the weights. */
  urls: readonly string[];
  /** How the files' checksums begin, in the order of `urls`. */
  checksums: readonly Checksum[];
  /** Of the weights, as far as the publisher states one. */
  licence: string;
  architecture: string;
  /** What it tells apart, beside the background: COCO's 91 ids with gaps, its 80 categories, or persons. */
  classes: 'coco ids' | 'coco' | 'person';
  /** Added to a batch norm's variance. */
  bnEps: number;
}

const MASKRCNN2GO =
  'https://raw.githubusercontent.com/facebookarchive/models/' +
  '65b8ec4b1eccfbce30e6ab70492c674aafbe007c/mask_rcnn_2go/model/int8';

type Row = [name: string, published: Published];

/** torchvision's file names end with the first 8 digits of their SHA-256; its first models had no eps. */
function torchvision(
  name: string,
  file: string,
  bnEps: number,
  classes: Published['classes'] = 'coco ids',
): Row {
  const urls = [`https://download.pytorch.org/models/${file}.pth`];
  const checksums: Checksum[] = [`sha256:${file.slice(-8)}`];
  const licence = 'not stated (code: BSD-3-Clause)';
  return [
    `torchvision/${name}`,
    { urls, checksums, licence, architecture: `torchvision/${name}`, classes, bnEps },
  ];
}

/** detectron2's file names end with the first 6 digits of their MD5. */
function detectron2(task: string, name: string, file: string, classes: Published['classes'] = 'coco'): Row {
  const urls = [`https://dl.fbaipublicfiles.com/detectron2/COCO-${task}/${name}/${file}.pkl`];
  const checksums: Checksum[] = [`md5:${file.slice(-6)}`];
  const architecture = `detectron2/${name.replace(/_[13]x$/, '')}`;
  const licence = 'CC-BY-SA-3.0';
  return [`detectron2/${name}`, { urls, checksums, licence, architecture, classes, bnEps: 1e-5 }];
}

export const REGISTRY: ReadonlyMap<string, Published> = new Map<string, Published>([
  torchvision('maskrcnn_resnet50_fpn', 'maskrcnn_resnet50_fpn_coco-bf2d0c1e', 0),
  torchvision('maskrcnn_resnet50_fpn_v2', 'maskrcnn_resnet50_fpn_v2_coco-73cbd019', 1e-5),
  torchvision('fasterrcnn_resnet50_fpn', 'fasterrcnn_resnet50_fpn_coco-258fb6c6', 0),
  torchvision('fasterrcnn_resnet50_fpn_v2', 'fasterrcnn_resnet50_fpn_v2_coco-dd69338a', 1e-5),
  torchvision('fasterrcnn_mobilenet_v3_large_fpn', 'fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7', 1e-5),
  torchvision(
    'fasterrcnn_mobilenet_v3_large_320_fpn',
    'fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9',
    1e-5,
  ),
  torchvision('keypointrcnn_resnet50_fpn', 'keypointrcnn_resnet50_fpn_coco-fc266e95', 0, 'person'),
  detectron2('Detection', 'faster_rcnn_R_50_FPN_1x', '137257794/model_final_b275ba'),
  detectron2('Detection', 'faster_rcnn_R_50_FPN_3x', '137849458/model_final_280758'),
  detectron2('Detection', 'faster_rcnn_R_101_FPN_3x', '137851257/model_final_f6e8b1'),
  detectron2('Detection', 'faster_rcnn_X_101_32x8d_FPN_3x', '139173657/model_final_68b088'),
  detectron2('InstanceSegmentation', 'mask_rcnn_R_50_FPN_1x', '137260431/model_final_a54504'),
  detectron2('InstanceSegmentation', 'mask_rcnn_R_50_FPN_3x', '137849600/model_final_f10217'),
  detectron2('InstanceSegmentation', 'mask_rcnn_R_101_FPN_3x', '138205316/model_final_a3ec72'),
  detectron2('InstanceSegmentation', 'mask_rcnn_X_101_32x8d_FPN_3x', '139653917/model_final_2d9806'),
  detectron2('Keypoints', 'keypoint_rcnn_R_50_FPN_1x', '137261548/model_final_04e291', 'person'),
  detectron2('Keypoints', 'keypoint_rcnn_R_50_FPN_3x', '137849621/model_final_a6e10b', 'person'),
  [
    'facebook/maskrcnn2go',
    {
      urls: [`${MASKRCNN2GO}/model.pb`, `${MASKRCNN2GO}/model_init.pb`],
      checksums: [
        'sha256:9ebb05d8981f18f0da81e4b72a32e6507e67a4ae7d52b51fdb736b21d024de1f',
        'sha256:535faf6ba4f724f7b1b9b6ddd35b7c77048b7c44d7027fa1bb4941e5388fbc79',
      ],
      licence: 'Apache-2.0', // of the repository that they are in
      architecture: 'facebook/maskrcnn2go',
      classes: 'coco',
      bnEps: 1e-5,
    },
  ],
]);
