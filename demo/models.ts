// The models to choose from, as rows: ours, and all published ones by name.

import nuclei from '../models/nuclei.safetensors?url';
import { REGISTRY } from '../src/weights/registry';

export interface ModelRow {
  /** Stands in the page's address. */
  id: string;
  /** Rows of one publisher stand together. */
  group: string;
  /** A published name, or an address. */
  source: string;
  title: string;
  /** Of the download, where it is known. */
  megabytes?: number | undefined;
  /** What it finds, in a few words. */
  finds: string;
  licence: string;
  /** The sample picture that shows what it can, by its id. */
  sample: string;
}

const COCO = '80 kinds of everyday things';

export const MODELS: readonly ModelRow[] = [
  {
    id: 'nuclei',
    group: 'Small',
    source: new URL(nuclei, location.href).href,
    title: 'Cell nuclei (ours)',
    megabytes: 7.2,
    finds: 'cell nuclei in micrographs',
    licence: 'CC0',
    sample: 'nuclei',
  },
  {
    id: 'maskrcnn2go',
    group: 'Small',
    source: 'facebook/maskrcnn2go',
    title: 'Everyday things (MaskRCNN2Go)',
    megabytes: 3.8,
    finds: COCO,
    licence: 'Apache-2.0',
    sample: 'coffee',
  },
  published('torchvision/maskrcnn_resnet50_fpn', 'Mask R-CNN, ResNet-50', 169.8),
  published('torchvision/maskrcnn_resnet50_fpn_v2', 'Mask R-CNN, ResNet-50, v2', 177.2),
  published('torchvision/fasterrcnn_resnet50_fpn', 'Faster R-CNN, ResNet-50', 159.7),
  published('torchvision/fasterrcnn_resnet50_fpn_v2', 'Faster R-CNN, ResNet-50, v2', 167.1),
  published('torchvision/fasterrcnn_mobilenet_v3_large_fpn', 'Faster R-CNN, MobileNetV3', 74.2),
  published('torchvision/fasterrcnn_mobilenet_v3_large_320_fpn', 'Faster R-CNN, MobileNetV3, 320', 74.2),
  published('torchvision/keypointrcnn_resnet50_fpn', 'Keypoint R-CNN, ResNet-50', 226.1),
  ...[...REGISTRY.keys()]
    .filter((name) => name.startsWith('detectron2/'))
    .map((name) => published(name, detectron2Title(name))),
];

/** A file somewhere else, for pages that ask for its address. */
export const ELSEWHERE: ModelRow = {
  id: 'address',
  group: 'Your own',
  source: '',
  title: 'From an address…',
  finds: 'what it was trained for',
  licence: 'its publisher’s',
  sample: 'coffee',
};

function published(source: string, title: string, megabytes?: number): ModelRow {
  const { classes, licence } = REGISTRY.get(source)!;
  const [group, id] = source.split('/') as [string, string];
  const finds = classes === 'person' ? 'persons, and their joints' : COCO;
  const sample = classes === 'person' ? 'astronaut' : 'coffee';
  return { id, group, source, title, megabytes, finds, licence, sample };
}

/** `detectron2/mask_rcnn_R_50_FPN_3x` -> `Mask R-CNN, R50-FPN, 3x` */
function detectron2Title(name: string): string {
  const [, kind, trunk, schedule] = /([a-z]+)_rcnn_(\w+)_FPN_(\w+)/.exec(name)!;
  return `${kind![0]!.toUpperCase()}${kind!.slice(1)} R-CNN, ${trunk!.replaceAll('_', '-')}-FPN, ${schedule}`;
}

/** Where a published model's file is; undefined of others. */
export function addressOf({ source }: ModelRow): string | undefined {
  return REGISTRY.get(source)?.urls[0];
}

/** The row of an id, or of a published name; the first where there is none. */
export function modelOf(id: string | undefined): ModelRow {
  return MODELS.find((row) => row.id === id || row.source === id) ?? MODELS[0]!;
}
