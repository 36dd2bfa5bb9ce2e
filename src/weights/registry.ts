// Published checkpoints by name, so that a user with a network needs no more.

export interface Published {
  /** Where it is; of a Caffe2 model the graph and then the weights. */
  urls: readonly string[];
  licence: string;
  architecture: string;
}

const MASKRCNN2GO =
  'https://raw.githubusercontent.com/facebookarchive/models/' +
  '65b8ec4b1eccfbce30e6ab70492c674aafbe007c/mask_rcnn_2go/model/int8';

export const REGISTRY: ReadonlyMap<string, Published> = new Map([
  [
    'facebook/maskrcnn2go',
    {
      urls: [`${MASKRCNN2GO}/model.pb`, `${MASKRCNN2GO}/model_init.pb`],
      licence: 'Apache-2.0',
      architecture: 'facebook/maskrcnn2go',
    },
  ],
]);
