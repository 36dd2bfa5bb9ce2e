// Names of tensors: each family's own become torchvision's current ones, which are the engine's. A row is a pattern
// and what it becomes; the first that fits counts, and a name that none fits is one of torchvision's already.

/** undefined: a tensor that is no weight, to be passed over. */
export type NameMap = (name: string) => string | undefined;

type Row = [pattern: RegExp, name: string | ((...groups: string[]) => string)];

function nameMap(ignored: RegExp, rows: readonly Row[]): NameMap {
  return (name) => {
    if (ignored.test(name)) return undefined;
    for (const [pattern, becomes] of rows) {
      const found = pattern.exec(name);
      if (!found) continue;
      const start = typeof becomes === 'string' ? becomes : becomes(...found.slice(1));
      return start + name.slice(found[0].length);
    }
    return name;
  };
}

const less = (n: string, by: number): number => Number(n) - by;

const NOTHING_BUT_WEIGHTS = /\.num_batches_tracked$/;

/**
 * torchvision: files published before the modules were laid out anew have old names, which it renames on load
 * (backbone_utils, rpn, mask_rcnn: `_load_from_state_dict`).
 */
export const torchvisionNames = nameMap(NOTHING_BUT_WEIGHTS, [
  [
    /^backbone\.fpn\.(inner|layer)_blocks\.(\d+)\.(?=weight$|bias$)/,
    (kind, n) => `backbone.fpn.${kind}_blocks.${n}.0.`,
  ],
  [/^rpn\.head\.conv\.(?=weight$|bias$)/, 'rpn.head.conv.0.0.'],
  [/^roi_heads\.mask_head\.mask_fcn([1-4])\./, (n) => `roi_heads.mask_head.${less(n, 1)}.0.`],
]);

/** detectron2: its .pkl and .pth files, with one RPN convolution and two fully connected layers, or with norms. */
export const detectron2Names = nameMap(
  /^pixel_(mean|std)$|^proposal_generator\.anchor_generator\.|\.num_batches_tracked$/,
  [
    [/^backbone\.bottom_up\.stem\.conv1\.norm\./, 'backbone.body.bn1.'],
    [/^backbone\.bottom_up\.stem\.conv1\./, 'backbone.body.conv1.'],
    [
      /^backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.norm\./,
      (stage, block, n) => `backbone.body.layer${less(stage, 1)}.${block}.bn${n}.`,
    ],
    [
      /^backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.norm\./,
      (stage, block) => `backbone.body.layer${less(stage, 1)}.${block}.downsample.1.`,
    ],
    [
      /^backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\./,
      (stage, block) => `backbone.body.layer${less(stage, 1)}.${block}.downsample.0.`,
    ],
    [
      /^backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\./,
      (stage, block, n) => `backbone.body.layer${less(stage, 1)}.${block}.conv${n}.`,
    ],
    [/^backbone\.fpn_lateral(\d)\.norm\./, (n) => `backbone.fpn.inner_blocks.${less(n, 2)}.1.`],
    [/^backbone\.fpn_lateral(\d)\./, (n) => `backbone.fpn.inner_blocks.${less(n, 2)}.0.`],
    [/^backbone\.fpn_output(\d)\.norm\./, (n) => `backbone.fpn.layer_blocks.${less(n, 2)}.1.`],
    [/^backbone\.fpn_output(\d)\./, (n) => `backbone.fpn.layer_blocks.${less(n, 2)}.0.`],
    [/^proposal_generator\.rpn_head\.conv\.conv(\d)\./, (n) => `rpn.head.conv.${n}.0.`],
    [/^proposal_generator\.rpn_head\.conv\./, 'rpn.head.conv.0.0.'],
    [/^proposal_generator\.rpn_head\.objectness_logits\./, 'rpn.head.cls_logits.'],
    [/^proposal_generator\.rpn_head\.anchor_deltas\./, 'rpn.head.bbox_pred.'],
    [/^roi_heads\.box_head\.fc(\d)\./, (n) => `roi_heads.box_head.fc${less(n, -5)}.`],
    [/^roi_heads\.box_head\.conv(\d)\.norm\./, (n) => `roi_heads.box_head.${less(n, 1)}.1.`],
    [/^roi_heads\.box_head\.conv(\d)\./, (n) => `roi_heads.box_head.${less(n, 1)}.0.`],
    [/^roi_heads\.mask_head\.mask_fcn(\d)\.norm\./, (n) => `roi_heads.mask_head.${less(n, 1)}.1.`],
    [/^roi_heads\.mask_head\.mask_fcn(\d)\./, (n) => `roi_heads.mask_head.${less(n, 1)}.0.`],
    [/^roi_heads\.mask_head\.deconv\./, 'roi_heads.mask_predictor.conv5_mask.'],
    [/^roi_heads\.mask_head\.predictor\./, 'roi_heads.mask_predictor.mask_fcn_logits.'],
    [/^roi_heads\.keypoint_head\.conv_fcn(\d)\./, (n) => `roi_heads.keypoint_head.${2 * less(n, 1)}.`],
    [/^roi_heads\.keypoint_head\.score_lowres\./, 'roi_heads.keypoint_predictor.kps_score_lowres.'],
  ],
);

/** Parts of a layer, or of the norm after it, in Caffe2's letters: AffineChannel's s and b, or a batch norm's four. */
const CAFFE2_PART = /_(bn_)?(w|b|s|rm|riv|gamma|beta|running_mean|running_var)$/;
const PARTS: Readonly<Record<string, string>> = {
  w: 'weight',
  s: 'weight',
  gamma: 'weight',
  b: 'bias',
  beta: 'bias',
  rm: 'running_mean',
  riv: 'running_var',
};

/** Layers of Detectron, which Caffe2 runs, by detectron2's names. */
const caffe2Layers = nameMap(/_momentum$|^fc1000_|^pred_|^conv1_b$|^kps_score_[wb]$|^lr$/, [
  [/^(res_)?conv1$/, 'backbone.bottom_up.stem.conv1'],
  [/^res(\d)_(\d+)_branch1$/, (stage, block) => `backbone.bottom_up.res${stage}.${block}.shortcut`],
  [
    /^res(\d)_(\d+)_branch2([abc])$/,
    (stage, block, letter) => `backbone.bottom_up.res${stage}.${block}.conv${1 + 'abc'.indexOf(letter)}`,
  ],
  [/^fpn_inner_res(\d)_\d+_sum(_lateral)?$/, (stage) => `backbone.fpn_lateral${stage}`],
  [/^fpn_res(\d)_\d+_sum$/, (stage) => `backbone.fpn_output${stage}`],
  [/^conv_rpn_fpn2$/, 'proposal_generator.rpn_head.conv'],
  [/^rpn_cls_logits_fpn2$/, 'proposal_generator.rpn_head.objectness_logits'],
  [/^rpn_bbox_pred_fpn2$/, 'proposal_generator.rpn_head.anchor_deltas'],
  [/^fc([67])$/, (n) => `roi_heads.box_head.fc${less(n, 5)}`],
  [/^(cls_score|bbox_pred)$/, (layer) => `roi_heads.box_predictor.${layer}`],
  [/^_\[mask\]_fcn(\d)$/, (n) => `roi_heads.mask_head.mask_fcn${n}`],
  [/^conv5_mask$/, 'roi_heads.mask_head.deconv'],
  [/^mask_fcn_logits$/, 'roi_heads.mask_head.predictor'],
  [/^conv_fcn(\d)$/, (n) => `roi_heads.keypoint_head.conv_fcn${n}`],
  [/^kps_score_lowres$/, 'roi_heads.keypoint_head.score_lowres'],
]);

/** Caffe2's names in .pkl files, which detectron2 reads too (its c2_model_loading). */
export const caffe2Names: NameMap = (name) => {
  if (caffe2Layers(name) === undefined) return undefined;
  const [ending = '', norm, part = ''] = CAFFE2_PART.exec(name) ?? [];
  const layer = name.slice(0, name.length - ending.length);
  const found = caffe2Layers(layer);
  if (found === layer) return name;
  return detectron2Names(`${found}${norm ? '.norm' : ''}.${PARTS[part] ?? part}`);
};

/** maskrcnn-benchmark; files of distributed training have `module.` before every name. */
export const benchmarkNames: NameMap = (name) => benchmarkRows(name.replace(/^module\./, ''));

const benchmarkRows = nameMap(/^rpn\.anchor_generator\.|\.num_batches_tracked$/, [
  [/^backbone\.body\.stem\./, 'backbone.body.'],
  [/^backbone\.fpn\.fpn_(inner|layer)(\d)\./, (kind, n) => `backbone.fpn.${kind}_blocks.${less(n, 1)}.0.`],
  [/^rpn\.head\.conv\.(?=weight$|bias$)/, 'rpn.head.conv.0.0.'],
  [/^roi_heads\.box\.feature_extractor\./, 'roi_heads.box_head.'],
  [/^roi_heads\.box\.predictor\./, 'roi_heads.box_predictor.'],
  [/^roi_heads\.mask\.feature_extractor\.mask_fcn(\d)\./, (n) => `roi_heads.mask_head.${less(n, 1)}.0.`],
  [/^roi_heads\.mask\.predictor\./, 'roi_heads.mask_predictor.'],
]);

/** MMDetection 2 and 3. */
export const mmdetectionNames = nameMap(/^data_preprocessor\.|\.num_batches_tracked$/, [
  [/^backbone\.(?=conv1\.|bn1\.|layer\d\.)/, 'backbone.body.'],
  [/^neck\.lateral_convs\.(\d)\.conv\./, (n) => `backbone.fpn.inner_blocks.${n}.0.`],
  [/^neck\.fpn_convs\.(\d)\.conv\./, (n) => `backbone.fpn.layer_blocks.${n}.0.`],
  [/^rpn_head\.rpn_conv\./, 'rpn.head.conv.0.0.'],
  [/^rpn_head\.rpn_cls\./, 'rpn.head.cls_logits.'],
  [/^rpn_head\.rpn_reg\./, 'rpn.head.bbox_pred.'],
  [/^roi_head\.bbox_head\.shared_fcs\.(\d)\./, (n) => `roi_heads.box_head.fc${less(n, -6)}.`],
  [/^roi_head\.bbox_head\.fc_cls\./, 'roi_heads.box_predictor.cls_score.'],
  [/^roi_head\.bbox_head\.fc_reg\./, 'roi_heads.box_predictor.bbox_pred.'],
  [/^roi_head\.mask_head\.convs\.(\d)\.conv\./, (n) => `roi_heads.mask_head.${n}.0.`],
  [/^roi_head\.mask_head\.upsample\./, 'roi_heads.mask_predictor.conv5_mask.'],
  [/^roi_head\.mask_head\.conv_logits\./, 'roi_heads.mask_predictor.mask_fcn_logits.'],
]);
