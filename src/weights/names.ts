// Names of torchvision's checkpoints: files published before the modules were laid out anew have old ones.
// torchvision renames them on load (backbone_utils, rpn, mask_rcnn: `_load_from_state_dict`); so do we.

const OLD_NAMES: readonly [RegExp, string][] = [
  [/^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$/, '$1.0.$2'],
  [/^rpn\.head\.conv\.(weight|bias)$/, 'rpn.head.conv.0.0.$1'],
  [/^roi_heads\.mask_head\.mask_fcn1\.(weight|bias)$/, 'roi_heads.mask_head.0.0.$1'],
  [/^roi_heads\.mask_head\.mask_fcn2\.(weight|bias)$/, 'roi_heads.mask_head.1.0.$1'],
  [/^roi_heads\.mask_head\.mask_fcn3\.(weight|bias)$/, 'roi_heads.mask_head.2.0.$1'],
  [/^roi_heads\.mask_head\.mask_fcn4\.(weight|bias)$/, 'roi_heads.mask_head.3.0.$1'],
];

/** The current name of a tensor; the same where it is current already. */
export function currentName(name: string): string {
  for (const [old, current] of OLD_NAMES) {
    if (old.test(name)) return name.replace(old, current);
  }
  return name;
}
