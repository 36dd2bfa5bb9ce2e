// Persons with keypoints in the COCO results format: written, and read again by --resume.

import { expect, test } from 'vitest';
import type { Detection } from '../src/detection';
import { COCO_KEYPOINTS } from '../src/model/keypoints';
import { cocoJson, readCoco } from '../src/results/coco';
import { csv } from '../src/results/csv';
import { foundObjects } from '../src/results/found';

const keypoints = COCO_KEYPOINTS.map((name, k) => ({ name, x: 10.5 + k, y: 20.25 + 2 * k, score: 3.5 - k }));
const person: Detection = {
  label: 'person',
  classIndex: 1,
  score: 0.875,
  box: [8, 16, 40, 80],
  keypoints,
};
const picture = { id: 0, name: 'a.png', path: 'in/a.png', found: foundObjects([person]) };

test('category, box, and x, y, 1 of each point in order', () => {
  const [result] = JSON.parse(cocoJson([picture]));
  expect(result).toMatchObject({ category_id: 1, category: 'person', bbox: [8, 16, 32, 64], score: 0.875 });
  expect(result.keypoints).toEqual(keypoints.flatMap(({ x, y }) => [x, y, 1]));
  expect(result).not.toHaveProperty('segmentation');
});

test('read again they are the same', () => {
  expect([...readCoco(cocoJson([picture]), 'out.json')]).toEqual([['in/a.png', picture.found]]);
});

test('the table of --csv has no column for them', () => {
  const [head, row] = csv([picture]).trim().split('\n');
  expect(head!.split(',')).toHaveLength(12);
  expect(row!.split(',')).toHaveLength(12);
});
