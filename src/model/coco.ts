// The class names of torchvision's COCO checkpoints: COCO's category ids, with gaps, as class indices.

export const COCO_CLASSES: readonly string[] = (
  '__background__, person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, ' +
  'traffic light, fire hydrant, N/A, stop sign, parking meter, bench, bird, cat, dog, horse, ' +
  'sheep, cow, elephant, bear, zebra, giraffe, N/A, backpack, umbrella, N/A, ' +
  'N/A, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, ' +
  'baseball glove, skateboard, surfboard, tennis racket, bottle, N/A, wine glass, cup, fork, knife, ' +
  'spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, ' +
  'donut, cake, chair, couch, potted plant, bed, N/A, dining table, N/A, N/A, ' +
  'toilet, N/A, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, ' +
  'toaster, sink, refrigerator, N/A, book, clock, vase, scissors, teddy bear, hair drier, ' +
  'toothbrush'
).split(', ');

/** The same without gaps: the background and the 80 categories in the order of their ids. */
export const COCO_CATEGORIES: readonly string[] = COCO_CLASSES.filter((name) => name !== 'N/A');

/** The names of as many classes, with the background, as a published checkpoint has; none for other numbers. */
export function cocoNames(classes: number, keypoints: boolean): readonly string[] {
  if (keypoints) return classes === 2 ? COCO_CLASSES.slice(0, 2) : [];
  return [COCO_CLASSES, COCO_CATEGORIES].find(({ length }) => length === classes) ?? [];
}
