// An object's keypoints as a skeleton of lines and points. Of COCO's 17 it is known which belong together.

import { COCO_KEYPOINTS, COCO_SKELETON, type Keypoint } from '../../src/index';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** `colour`: CSS numbers, `r g b`. `pixel`: a CSS pixel, in the picture's. */
export function drawKeypoints(
  context: Context,
  keypoints: readonly Keypoint[],
  colour: string,
  pixel: number,
): void {
  const bones = keypoints.length === COCO_KEYPOINTS.length ? COCO_SKELETON : [];
  context.lineCap = 'round';
  for (const [ink, thickness] of [
    ['rgb(0 0 0 / 0.6)', 5],
    [`rgb(${colour})`, 3],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = thickness * pixel;
    context.beginPath();
    for (const [from, to] of bones) {
      context.moveTo(keypoints[from]!.x, keypoints[from]!.y);
      context.lineTo(keypoints[to]!.x, keypoints[to]!.y);
    }
    context.stroke();
  }
  context.lineWidth = pixel;
  context.strokeStyle = '#000';
  context.fillStyle = '#fff';
  for (const { x, y } of keypoints) {
    context.beginPath();
    context.arc(x, y, 3 * pixel, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
