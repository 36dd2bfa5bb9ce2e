// Changes to try on a kernel: each replaces one piece of its text. All are true WGSL, and all can be seen.

export interface ShaderEdit {
  readonly kernel: string;
  readonly title: string;
  /** What to look for in the picture afterwards. */
  readonly effect: string;
  readonly from: string;
  readonly to: string;
}

export const EDITS: readonly ShaderEdit[] = [
  {
    kernel: 'mask_select',
    title: 'Turn every mask inside out',
    effect: 'Inside each box the background is set, and the object is not.',
    from: 'probabilities[item] = sigmoid_of(',
    to: 'probabilities[item] = 1.0 - sigmoid_of(',
  },
  {
    kernel: 'roi_align',
    title: 'Shift all samples by a cell',
    effect: 'Features come from a cell further to the right and below: boxes and masks follow.',
    from: 'let coordinate = axis.start + (f32(sample) + 0.5) * axis.step;',
    to: 'let coordinate = axis.start + (f32(sample) + 0.5) * axis.step + 1.0;',
  },
  {
    kernel: 'roi_align',
    title: 'Read the nearest cell only',
    effect: 'No interpolation: masks become a little coarser, as with rounded bins.',
    from: 'Pair(low, min(low + 1u, size - 1u), clamped - f32(low), inside)',
    to: 'Pair(low, min(low + 1u, size - 1u), round(clamped - f32(low)), inside)',
  },
  {
    kernel: 'upsample_add',
    title: 'Cut the top-down path',
    effect: 'No level hears of the coarser ones, so fine maps know little of what is around them.',
    from: 'output[item] = lateral[item] + coarse[source];',
    to: 'output[item] = lateral[item];',
  },
  {
    kernel: 'nms_mask',
    title: 'Suppress nothing',
    effect: 'The same objects are found many times over, by RPN and box head.',
    from: 'if (overlaps(box, boxes[first + j] + offset)) {',
    to: 'if (false && overlaps(box, boxes[first + j] + offset)) {',
  },
  {
    kernel: 'preprocess',
    title: 'Swap red and blue',
    effect: 'How much the network relies on colour: compare the scores.',
    from: 'let colour = select(rgb, rgb.bgr, BGR);',
    to: 'let colour = select(rgb.bgr, rgb, BGR);',
  },
];

/** The text with the change made; undefined where the text no longer has the place. */
export function applyEdit(text: string, { from, to }: ShaderEdit): string | undefined {
  return text.includes(from) ? text.replace(from, () => to) : undefined;
}
