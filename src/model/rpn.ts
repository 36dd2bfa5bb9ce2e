// Region Proposal Network, Ren et al. 2015, Faster R-CNN (arXiv:1506.01497), section 3, on every level of the
// pyramid: objectness and box deltas of each anchor, the best of them, non-maximum suppression in each level.

import { WeightError } from '../errors';
import type { Graph, Tensor } from '../graph/graph';
import { decodeProposals } from '../kernels/decode_proposals';
import { sizeOf } from '../kernels/kernel';
import { topK } from '../kernels/top_k';
import { cellAnchors, gridStrides } from './anchors';
import type { Config } from './config';
import type { Layers } from './layers';
import { type Boxes, suppress } from './nms';
import type { Size } from './transform';

/** p2 .. p6 -> proposals [R, 4] in resized pixels, best first, with scores (sigmoid of objectness) and count. */
export function proposeRegions(
  rpn: Layers,
  pyramid: readonly Tensor[],
  resized: Size,
  canvas: Size,
  config: Config,
): Boxes {
  const head = rpn.scope('head');
  const maps = pyramid.map((map, level) => rpnHead(head, map, `@p${level + 2}`));
  const tables = (offsets: readonly number[]) => anchorTables(rpn, maps, offsets, canvas, config);
  return selectProposals(rpn, maps, tables, resized, config);
}

/** The best anchors of each level, decoded and suppressed. `tables`: the anchors, by where deltas begin. */
export function selectProposals(
  rpn: Layers,
  maps: readonly RpnMaps[],
  tables: (offsets: readonly number[]) => AnchorTables,
  resized: Size,
  config: Config,
): Boxes {
  const g = rpn.graph;
  const objectness = g.concat(
    rpn.label('objectness'),
    maps.map((map) => map.objectness),
  );
  const deltas = g.concat(
    rpn.label('deltas'),
    maps.map((map) => map.deltas),
  );

  const lengths = maps.map((map) => sizeOf(map.objectness));
  const segments = Uint32Array.from(lengths.flatMap((length, level) => [objectness.offsets[level]!, length]));
  const { indices, top } = g.apply(
    rpn.label('top_k'),
    topK,
    { values: objectness.whole, segments: g.constant(rpn.label('segments'), [maps.length, 2], segments) },
    { k: Math.min(config.rpnPreNmsTopN, Math.max(...lengths)) },
    'indices',
    'top',
  );
  const { boxes, scores } = g.apply(
    rpn.label('decode_proposals'),
    decodeProposals,
    { indices, top, deltas: deltas.whole, ...tables(deltas.offsets) },
    {
      ...resized,
      minSize: config.rpnMinSize,
      scoreThreshold: config.rpnScoreThresh,
      clampBelow: config.clampBelow,
      inclusive: config.inclusiveBoxes,
    },
    'boxes',
    'scores',
  );
  return suppress(
    g,
    rpn.prefix,
    { boxes, scores },
    {
      threshold: config.rpnNmsThresh,
      limit: config.rpnPostNmsTopN,
      firstGroup: 0,
      trickLimit: config.nmsTrickLimit,
      inclusive: config.inclusiveBoxes,
      activation: 'sigmoid',
    },
  );
}

export interface RpnMaps {
  /** [1, h, w, A] logits */
  objectness: Tensor;
  /** [1, h, w, 4A] */
  deltas: Tensor;
}

export interface AnchorTables {
  /** u32 [L, 4]: of each level its first anchor, its grid's width, its strides y and x */
  levels: Tensor;
  /** [L, A, 4] around the cell's corner */
  cells: Tensor;
}

/** One head for all levels. map [1, h, w, C] -> objectness [1, h, w, A], deltas [1, h, w, 4A] */
function rpnHead(head: Layers, map: Tensor, suffix: string): RpnMaps {
  let x = map;
  for (let i = 0; head.has(`conv.${i}.0`); i++) {
    x = head.conv2d(`conv.${i}.0`, x, { padding: 1, activation: 'relu', suffix });
  }
  return {
    objectness: head.conv2d('cls_logits', x, { suffix, exact: true }),
    deltas: head.conv2d('bbox_pred', x, { suffix, exact: true }),
  };
}

/** The cell anchors of each level, and where its deltas begin, its grid's width and strides. */
function anchorTables(
  rpn: Layers,
  maps: readonly RpnMaps[],
  offsets: readonly number[],
  canvas: Size,
  config: Config,
): AnchorTables {
  const g: Graph = rpn.graph;
  const levels = maps.flatMap(({ deltas }, level) => {
    const [, height, width] = deltas.shape as [number, number, number, number];
    const own = config.strides?.[level];
    const [strideY, strideX] = own ? [own, own] : gridStrides([canvas.height, canvas.width], [height, width]);
    return [offsets[level]! / 4, width, strideY, strideX];
  });
  const { anchorSizes, anchorRatios, anchorRounding, strides } = config;
  const cells = maps.map((_, level) =>
    config.cellAnchors
      ? Float32Array.from(config.cellAnchors[level]?.flat() ?? [])
      : cellAnchors(anchorSizes[level]!, anchorRatios[level]!, anchorRounding, strides?.[level]),
  );
  const anchors = maps[0]!.objectness.shape[3] as number;
  const odd = cells.findIndex((cell) => cell.length !== 4 * anchors);
  if (odd >= 0) {
    throw new WeightError(
      `${rpn.label('head.cls_logits')} has ${anchors} anchors a cell; anchorSizes and anchorRatios of level ${odd} ` +
        `make ${cells[odd]!.length / 4}`,
    );
  }
  return {
    levels: g.constant(rpn.label('levels'), [maps.length, 4], Uint32Array.from(levels)),
    cells: g.constant(
      rpn.label('cells'),
      [maps.length, anchors, 4],
      Float32Array.from(cells.flatMap((cell) => [...cell])),
    ),
  };
}
