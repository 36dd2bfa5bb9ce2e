// Box decoding and what is decoded, by their definitions.

import { isScore, NO_INDEX, NONE, sigmoid } from './selection';

export type Box = [x1: number, y1: number, x2: number, y2: number];
export type Numbers = ArrayLike<number>;

const MAX_LOG_SCALE = Math.log(1000 / 16);

export interface Image {
  width: number;
  height: number;
  minSize: number;
  scoreThreshold: number;
  /** Whether a side is x2 - x1 + 1. */
  inclusive?: boolean;
  /** Resized pixels per pixel that boxes are decoded in. */
  scale?: number;
}

export function boxAt(values: Numbers, i: number): Box {
  return [values[4 * i]!, values[4 * i + 1]!, values[4 * i + 2]!, values[4 * i + 3]!];
}

export function decode(
  [x1, y1, x2, y2]: Box,
  deltas: Box,
  weights: Box = [1, 1, 1, 1],
  inclusive = false,
): Box {
  const last = Number(inclusive);
  const [dx, dy, dw, dh] = deltas.map((d, k) => d / weights[k]!) as Box;
  const [width, height] = [x2 - x1 + last, y2 - y1 + last];
  const x = dx * width + x1 + 0.5 * width;
  const y = dy * height + y1 + 0.5 * height;
  const w = Math.exp(Math.min(dw, MAX_LOG_SCALE)) * width;
  const h = Math.exp(Math.min(dh, MAX_LOG_SCALE)) * height;
  return [x - 0.5 * w, y - 0.5 * h, x + 0.5 * w - last, y + 0.5 * h - last];
}

/** Clips in float32; undefined where a side is below the smallest size, or not a number. */
export function clipped(box: Box, { width, height, minSize, inclusive }: Image): Box | undefined {
  const last = Number(inclusive ?? false);
  const [x1, y1, x2, y2] = box.map((v, k) =>
    Math.fround(Math.min(Math.max(v, 0), (k % 2 ? height : width) - last)),
  ) as Box;
  const least = Math.fround(minSize);
  const large = Math.fround(x2 - x1 + last) >= least && Math.fround(y2 - y1 + last) >= least;
  return large ? [x1, y1, x2, y2] : undefined;
}

/** levels: (first anchor, grid width, stride y, stride x) each; N places a level, A anchors a cell. */
export function decodeProposals(
  { indices, top, deltas, levels, cells }: Record<'indices' | 'top' | 'deltas' | 'levels' | 'cells', Numbers>,
  N: number,
  A: number,
  image: Image,
) {
  const boxes = new Float64Array(4 * indices.length);
  const scores = new Float64Array(indices.length).fill(NONE);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    const [level, logit] = [Math.floor(i / N), top[i]!];
    if (index === NO_INDEX || !isScore(logit) || sigmoid(logit) < image.scoreThreshold) continue;
    const [first, width, strideY, strideX] = boxAt(levels, level);
    const cell = Math.floor(index / A);
    const [x, y] = [(cell % width) * strideX, Math.floor(cell / width) * strideY];
    const [x1, y1, x2, y2] = boxAt(cells, level * A + (index % A));
    const anchor: Box = [x + x1, y + y1, x + x2, y + y2];
    const box = clipped(decode(anchor, boxAt(deltas, first + index), undefined, image.inclusive), image);
    if (!box) continue;
    boxes.set(box, 4 * i);
    scores[i] = logit;
  }
  return { boxes, scores };
}

/** One class after the other: filter, decode, sort. scores [R, K]. */
export function sortCandidates(
  { scores, regression, proposals }: Record<'scores' | 'regression' | 'proposals', Numbers>,
  K: number,
  count: number,
  image: Image,
) {
  const R = scores.length / K;
  const boxes = new Float64Array(4 * (K - 1) * R);
  const candidates = new Float64Array((K - 1) * R).fill(NONE);
  for (let label = 1; label < K; label++) {
    const found: { score: number; box: Box }[] = [];
    for (let row = 0; row < Math.min(count, R); row++) {
      const score = scores[row * K + label]!;
      if (!(score > Math.fround(image.scoreThreshold))) continue;
      const { scale = 1, inclusive } = image;
      const proposal = boxAt(proposals, row).map((v) => v / scale) as Box;
      const deltas = boxAt(regression, row * K + label);
      const box = clipped(decode(proposal, deltas, [10, 10, 5, 5], inclusive), image);
      if (box) found.push({ score, box: box.map((v) => v * scale) as Box });
    }
    found.sort((a, b) => b.score - a.score); // stable: equal scores stay in the order of proposals
    found.forEach(({ score, box }, i) => {
      candidates[(label - 1) * R + i] = score;
      boxes.set(box, 4 * ((label - 1) * R + i));
    });
  }
  return { boxes, candidates };
}
