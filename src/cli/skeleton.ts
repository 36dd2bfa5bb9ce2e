// Keypoints drawn over the picture: COCO's skeleton as lines with dark edges, a dot at each point.

import type { SKRSContext2D } from '@napi-rs/canvas';
import { COCO_KEYPOINTS, COCO_SKELETON, type Keypoint } from '../node';

const EDGE = 'rgba(0, 0, 0, 0.7)';

/** Other sets of points than COCO's are drawn without lines. `width`: of the lines, in pixels. */
export function drawSkeleton(
  context: SKRSContext2D,
  keypoints: readonly Keypoint[],
  colour: string,
  width: number,
): void {
  const bones = keypoints.length === COCO_KEYPOINTS.length ? COCO_SKELETON : [];
  for (const [style, more] of [
    [EDGE, 2],
    [colour, 0],
  ] as const) {
    context.strokeStyle = style;
    context.fillStyle = style;
    context.lineWidth = width + more;
    context.beginPath();
    for (const [from, to] of bones) {
      context.moveTo(keypoints[from]!.x, keypoints[from]!.y);
      context.lineTo(keypoints[to]!.x, keypoints[to]!.y);
    }
    context.stroke();
    for (const { x, y } of keypoints) {
      context.beginPath();
      context.arc(x, y, 1.5 * width + more / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
