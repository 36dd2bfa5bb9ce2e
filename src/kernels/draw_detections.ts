// draw_detections: the picture with masks, outlines and boxes drawn over it, fitted into a canvas.

import source from '../../shaders/draw_detections.wgsl?raw';
import coverage_lib from '../../shaders/lib/mask_coverage.wgsl?raw';
import paste_lib from '../../shaders/lib/paste.wgsl?raw';
import corners_lib from '../../shaders/lib/paste_corners.wgsl?raw';
import { check, type Kernel, type TensorSpec, u32 } from './kernel';
import { type PasteRule, pasteGrowth } from './paste_rule';
import type { Constants } from './specialise';

export interface DrawDetectionsInputs {
  pixels: TensorSpec;
  image_boxes: TensorSpec;
  scores: TensorSpec;
  labels: TensorSpec;
  count: TensorSpec;
  palette: TensorSpec;
  /** Absent where the network finds no masks. */
  probabilities?: TensorSpec | undefined;
}

export interface DrawDetectionsAttributes {
  canvasHeight: number;
  canvasWidth: number;
  /** A mask is where its probability is above it. */
  maskThreshold: number;
  /** Detections below it are not drawn. */
  scoreThreshold: number;
  /** A colour for each detection or for each class. */
  colourBy: 'instance' | 'class';
  /** Of the masks' tint, 0..1. */
  opacity: number;
  /** Widths in canvas pixels; 0 for no line. */
  outlineWidth: number;
  boxWidth: number;
  /** How masks are pasted. Default: whole, as torchvision. */
  paste?: PasteRule;
}

/** What the shader is compiled with. */
export function drawConstants(masks: boolean, paste: PasteRule = 'whole'): Constants {
  return masks ? { MASKS: true, CENTRES: paste === 'centres' } : { MASKS: false };
}

/** Bits in the shader's list of what touches a tile. */
const MAX_ROWS = 1024;
const TILE = 8;

// pixels u32 [H, W], image_boxes [R, 4], scores [R], labels u32 [R], count u32 [1], palette [C, 4],
// probabilities [R, M, M] -> drawn u32 [canvasHeight, canvasWidth]
export const drawDetections: Kernel<DrawDetectionsInputs, DrawDetectionsAttributes> = {
  name: 'draw_detections',
  source: `${source}#if MASKS\n${coverage_lib}${paste_lib}${corners_lib}#endif\n`,

  dispatch(inputs, { canvasHeight, canvasWidth, paste = 'whole', ...style }) {
    const { pixels, image_boxes, scores, labels, count, palette, probabilities } = inputs;
    const rows = image_boxes.shape[0]!;
    const [height, width] = pixels.shape as [number, number];
    check(
      pixels.dtype === 'u32' && pixels.shape.length === 2 && height > 0 && width > 0,
      'draw_detections',
      'u32 pixels [H, W]',
      pixels,
    );
    check(
      `${image_boxes.shape}` === `${[rows, 4]}` &&
        `${scores.shape}` === `${rows}` &&
        `${labels.shape}` === `${rows}` &&
        labels.dtype === 'u32' &&
        count.dtype === 'u32' &&
        rows <= MAX_ROWS,
      'draw_detections',
      `f32 image_boxes [R, 4], f32 scores [R], u32 labels [R], u32 count [1], R at most ${MAX_ROWS}`,
      image_boxes,
      scores,
      labels,
      count,
    );
    const side = probabilities?.shape[1] ?? 0;
    check(
      !probabilities || `${probabilities.shape}` === `${[rows, side, side]}`,
      'draw_detections',
      `f32 probabilities [${rows}, M, M]`,
      probabilities,
    );
    check(
      palette.shape.length === 2 && palette.shape[0]! > 0 && palette.shape[1] === 4,
      'draw_detections',
      'f32 palette [C, 4]',
      palette,
    );
    check(
      canvasHeight > 0 && canvasWidth > 0,
      'draw_detections',
      'a canvas with pixels',
      canvasHeight,
      canvasWidth,
    );
    const fit = fitInto({ height, width }, { height: canvasHeight, width: canvasWidth });
    return {
      outputs: { drawn: u32(canvasHeight, canvasWidth) },
      constants: drawConstants(Boolean(probabilities), paste),
      params: {
        canvas_height: canvasHeight,
        canvas_width: canvasWidth,
        top: fit.top,
        left: fit.left,
        fit_height: fit.height,
        fit_width: fit.width,
        ...{ height, width, rows, side },
        growth: side ? pasteGrowth(side, paste) : 1,
        mask_threshold: style.maskThreshold,
        score_threshold: style.scoreThreshold,
        colours: palette.shape[0]!,
        by_class: style.colourBy === 'class' ? 1 : 0,
        tint: style.opacity,
        outline_width: style.outlineWidth,
        box_width: style.boxWidth,
      },
      workgroups: [Math.ceil(canvasWidth / TILE), Math.ceil(canvasHeight / TILE), 1],
      macs: 0,
    };
  },
};

interface Sides {
  height: number;
  width: number;
}

/** Where a picture lies in a canvas: as large as it can be with its aspect ratio, in the middle, in whole pixels. */
export function fitInto(picture: Sides, canvas: Sides): Sides & { top: number; left: number } {
  const scale = Math.min(canvas.height / picture.height, canvas.width / picture.width);
  const fitted = (side: number, limit: number) => Math.min(limit, Math.max(1, Math.round(side * scale)));
  const height = fitted(picture.height, canvas.height);
  const width = fitted(picture.width, canvas.width);
  const [top, left] = [Math.floor((canvas.height - height) / 2), Math.floor((canvas.width - width) / 2)];
  return { top, left, height, width };
}
