// The models to choose from, as rows: ours, and published ones by name.

import nuclei from '../models/nuclei.safetensors?url';

export interface ModelRow {
  /** Stands in the page's address. */
  id: string;
  /** A published name, or an address. */
  source: string;
  title: string;
  /** Of the download. */
  megabytes: number;
  /** What it finds, in a few words. */
  finds: string;
  licence: string;
  /** The sample picture that shows what it can, by its id. */
  sample: string;
}

export const MODELS: readonly ModelRow[] = [
  {
    id: 'nuclei',
    source: new URL(nuclei, location.href).href,
    title: 'Cell nuclei (ours)',
    megabytes: 7.2,
    finds: 'cell nuclei in micrographs',
    licence: 'CC0',
    sample: 'nuclei',
  },
  {
    id: 'maskrcnn2go',
    source: 'facebook/maskrcnn2go',
    title: 'Everyday things (MaskRCNN2Go)',
    megabytes: 3.8,
    finds: '80 kinds of everyday things',
    licence: 'Apache-2.0',
    sample: 'coffee',
  },
  torchvision('maskrcnn_resnet50_fpn', 'Mask R-CNN, ResNet-50', 169.8),
  torchvision('maskrcnn_resnet50_fpn_v2', 'Mask R-CNN, ResNet-50, v2', 177.2),
  torchvision('fasterrcnn_resnet50_fpn', 'Faster R-CNN, ResNet-50', 159.7),
  torchvision('fasterrcnn_mobilenet_v3_large_fpn', 'Faster R-CNN, MobileNetV3', 74.2),
  torchvision('keypointrcnn_resnet50_fpn', 'Keypoint R-CNN, ResNet-50', 226.1, 'persons, and their joints'),
];

/** One of torchvision's, trained on COCO. */
function torchvision(
  name: string,
  title: string,
  megabytes: number,
  finds = '80 kinds of everyday things',
): ModelRow {
  const source = `torchvision/${name}`;
  return {
    id: name,
    source,
    title,
    megabytes,
    finds,
    licence: 'not stated for the weights',
    sample: 'coffee',
  };
}

/** The row of an id; the first where there is none. */
export function modelOf(id: string | undefined): ModelRow {
  return MODELS.find((row) => row.id === id) ?? MODELS[0]!;
}
