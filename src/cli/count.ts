// What `--count` prints: how many objects of each class are in each picture, and how large they are.

import { byClass, type Found } from '../results/found';
import { table } from './table';

/** A row a picture, and the total. `found` is missing where the picture could not be used. */
export function countTable(
  pictures: readonly { path: string; found?: readonly Found[] | undefined }[],
): string {
  const all = pictures.flatMap(({ found }) => found ?? []);
  const classes = [...byClass(all).keys()];
  const cells = (found: readonly Found[] | undefined) => {
    const counts = byClass(found ?? []);
    const numbers = classes.map((category) => (found ? (counts.get(category)?.length ?? 0) : '-'));
    return [...numbers, meanArea(found ?? [])];
  };
  return table([
    ['file', ...classes, 'mean area'],
    ...pictures.map(({ path, found }) => [path, ...cells(found)]),
    ['total', ...cells(all)],
  ]);
}

function meanArea(found: readonly Found[]): string {
  if (found.length === 0) return '-';
  return (found.reduce((sum, { area }) => sum + area, 0) / found.length).toFixed(1);
}
