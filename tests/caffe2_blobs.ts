// A detectron2 checkpoint as Caffe2's Detectron would have written it: its names (reference-semantics.md 15.1), the
// background first, norms folded into a scale and a bias.

import { pickleOf, py } from './pickle_writer';
import type { TensorShape } from './synthetic_weights';

type Named = TensorShape & { data: Float32Array };

const EPS = 1e-5;
const PARTS: Record<string, string> = { weight: 'w', bias: 'b' };
/** The last block of each stage of a ResNet-50. */
const LAST: Record<string, number> = { 2: 2, 3: 3, 4: 5, 5: 2 };

const LAYERS: [RegExp, (...groups: string[]) => string][] = [
  [/^backbone\.bottom_up\.stem\.conv1$/, () => 'conv1'],
  [/^backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut$/, (s, i) => `res${s}_${i}_branch1`],
  [
    /^backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)$/,
    (s, i, k) => `res${s}_${i}_branch2${'_abc'[Number(k)]}`,
  ],
  [/^backbone\.fpn_lateral5$/, () => 'fpn_inner_res5_2_sum'],
  [/^backbone\.fpn_lateral(\d)$/, (s) => `fpn_inner_res${s}_${LAST[s]}_sum_lateral`],
  [/^backbone\.fpn_output(\d)$/, (s) => `fpn_res${s}_${LAST[s]}_sum`],
  [/^proposal_generator\.rpn_head\.conv$/, () => 'conv_rpn_fpn2'],
  [/^proposal_generator\.rpn_head\.objectness_logits$/, () => 'rpn_cls_logits_fpn2'],
  [/^proposal_generator\.rpn_head\.anchor_deltas$/, () => 'rpn_bbox_pred_fpn2'],
  [/^roi_heads\.box_head\.fc(\d)$/, (n) => `fc${Number(n) + 5}`],
  [/^roi_heads\.box_predictor\.(\w+)$/, (layer) => layer],
  [/^roi_heads\.mask_head\.mask_fcn(\d)$/, (n) => `_[mask]_fcn${n}`],
  [/^roi_heads\.mask_head\.deconv$/, () => 'conv5_mask'],
  [/^roi_heads\.mask_head\.predictor$/, () => 'mask_fcn_logits'],
];

/** A `.pkl` of `blobs`, with what such files hold beside weights. */
export function caffe2Pickle(tensors: readonly Named[]): Uint8Array<ArrayBuffer> {
  const blobs = [...tensors].flatMap((tensor) => blobsOf(tensor, tensors));
  const extra: Named[] = ['fc6_w_momentum', 'lr', 'conv1_b', 'pred_w'].map((name) => ({
    name,
    shape: [1],
    data: Float32Array.of(7),
  }));
  const entries = [...blobs, ...extra].map(({ name, shape, data }): [string, Uint8Array] => [
    name,
    py.array(shape, 'f4', new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);
  return pickleOf(py.dict([['blobs', py.dict(entries)]]));
}

function blobsOf(tensor: Named, all: readonly Named[]): Named[] {
  const { name, shape, data } = tensor;
  const [, layer, norm, part] = /^(.*?)(\.norm)?\.(\w+)$/.exec(name) as unknown as string[];
  const blob = blobName(layer!);
  if (!norm) return [backgroundFirst({ name: `${blob}_${PARTS[part!]}`, shape, data })];
  if (part !== 'weight') return [];
  const vector = (of: string) => all.find((other) => other.name === `${layer}.norm.${of}`)!.data;
  const [bias, mean, variance] = [vector('bias'), vector('running_mean'), vector('running_var')];
  const scale = data.map((w, o) => w / Math.sqrt(variance[o]! + EPS));
  const shift = bias.map((b, o) => b - mean[o]! * scale[o]!);
  const start = blob === 'conv1' ? 'res_conv1_bn' : `${blob}_bn`;
  return [
    { name: `${start}_s`, shape, data: scale },
    { name: `${start}_b`, shape, data: shift },
  ];
}

function blobName(layer: string): string {
  for (const [pattern, name] of LAYERS) {
    const found = pattern.exec(layer);
    if (found) return name(...found.slice(1));
  }
  throw new Error(`no blob for ${layer}`);
}

/** The background's row of the scores goes to the front; of boxes and masks, of which there is none, something stands there. */
function backgroundFirst({ name, shape, data }: Named): Named {
  const each = data.length / shape[0]!;
  const last = data.subarray(data.length - each);
  if (/^cls_score_/.test(name)) {
    return { name, shape, data: Float32Array.of(...last, ...data.subarray(0, data.length - each)) };
  }
  const more = /^bbox_pred_/.test(name) ? 4 : /^mask_fcn_logits_/.test(name) ? 1 : 0;
  const rows = new Float32Array(data.length + more * each).fill(0.5);
  rows.set(data, more * each);
  return { name, shape: [shape[0]! + more, ...shape.slice(1)], data: rows };
}
