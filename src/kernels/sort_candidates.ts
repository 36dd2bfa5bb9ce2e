import decode_source from '../../shaders/lib/decode.wgsl?raw';
import score_source from '../../shaders/lib/score.wgsl?raw';
import sort_source from '../../shaders/lib/sort.wgsl?raw';
import source from '../../shaders/sort_candidates.wgsl?raw';
import { check, f32, type Kernel, type TensorSpec } from './kernel';
import { MAX_SORTED } from './top_k';

export type SortCandidatesInputs = {
  scores: TensorSpec;
  regression: TensorSpec;
  proposals: TensorSpec;
  count: TensorSpec;
};

export interface SortCandidatesAttributes {
  /** Of the image without padding, in the pixels that boxes are decoded in: they are clipped to it. */
  height: number;
  width: number;
  /** Pixels of the resized image for each of these. Default: 1, boxes are decoded in the resized image. */
  scale?: number;
  /** Boxes with a side below it are dropped, in image pixels. */
  minSize: number;
  /** Only scores above it, not equal, are kept. */
  scoreThreshold: number;
  /** Whether the background is the last class. Default: the first. */
  backgroundLast?: boolean;
  /** Whether dw and dh are clamped below too. */
  clampBelow?: boolean;
  /** Whether boxes include x2 and y2. */
  inclusive?: boolean;
}

// scores [R, K], regression [R, 4K] or without the background's [R, 4 (K - 1)] or of all classes [R, 4], proposals [R, 4], count u32 [1]
//   -> boxes [K - 1, R, 4], candidates [K - 1, R]
export const sortCandidates: Kernel<SortCandidatesInputs, SortCandidatesAttributes> = {
  name: 'sort_candidates',
  source: source + sort_source + decode_source + score_source,

  dispatch({ scores, regression, proposals, count }, attributes) {
    const { height, width, minSize, scoreThreshold, scale = 1, backgroundLast = false } = attributes;
    const [rows, classes] = scores.shape as [number, number];
    check(
      scores.shape.length === 2 && classes > 1 && scores.dtype === 'f32',
      'sort_candidates',
      'f32 scores [R, K], K of at least 2',
      scores,
    );
    const boxClasses = (regression.shape[1] ?? 0) / 4;
    check(
      regression.shape[0] === rows &&
        [classes, classes - 1, 1].includes(boxClasses) &&
        `${proposals.shape}` === `${[rows, 4]}` &&
        count.dtype === 'u32',
      'sort_candidates',
      `f32 regression [${rows}, ${4 * classes}, ${4 * (classes - 1)} or 4], f32 proposals [${rows}, 4], u32 count [1]`,
      regression,
      proposals,
      count,
    );
    check(rows <= MAX_SORTED, 'sort_candidates', `at most ${MAX_SORTED} proposals`, rows);
    return {
      outputs: { boxes: f32(classes - 1, rows, 4), candidates: f32(classes - 1, rows) },
      constants: {
        CLAMP_BELOW: attributes.clampBelow ?? false,
        INCLUSIVE: attributes.inclusive ?? false,
      },
      params: {
        rows,
        classes,
        first_score: backgroundLast ? 0 : 1,
        box_classes: boxClasses,
        first_box: boxClasses === classes && !backgroundLast ? 1 : 0,
        width,
        height,
        min_size: minSize,
        threshold: scoreThreshold,
        scale,
        unscale: 1 / scale,
      },
      workgroups: [classes - 1, 1, 1],
      macs: 0,
    };
  },
};
