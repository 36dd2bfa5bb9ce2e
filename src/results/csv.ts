// One row an object, with its measures; quoted as RFC 4180 has it, lines end with a newline.

import { MaskRcnnError } from '../errors';
import type { Found, Picture } from './found';
import { rounded } from './measure';

const COLUMNS = 'file,id,class,score,x1,y1,x2,y2,area,centroid_x,centroid_y,perimeter';

export function csv(pictures: readonly Picture[]): string {
  const rows = pictures.flatMap(({ path, found }) =>
    found.map(({ category, score, bbox: [x, y, width, height], area, centroid, perimeter }, i) => {
      const box = [x, y, rounded(x + width), rounded(y + height)];
      const cells = [path, i + 1, category, score, ...box, area, ...(centroid ?? ['', '']), perimeter];
      return cells.map(quoted).join(',');
    }),
  );
  return [COLUMNS, ...rows, ''].join('\n');
}

/** What `csv` wrote: path -> objects, without masks and class indices. Throws MaskRcnnError that names the file. */
export function readCsv(text: string, file: string): Map<string, Found[]> {
  const [columns, ...rows] = parse(text);
  if (columns?.join(',') !== COLUMNS || rows.some((row) => row.length !== columns.length)) {
    throw new MaskRcnnError(`${file}: wanted a table that maskrcnn wrote, with the columns ${COLUMNS}`);
  }
  const pictures = new Map<string, Found[]>();
  for (const [path, , category, ...cells] of rows) {
    const [score, x1, y1, x2, y2, area, x, y, perimeter] = cells.map(Number) as Nine;
    if (!pictures.has(path!)) pictures.set(path!, []);
    pictures.get(path!)!.push({
      category_id: -1, // not in the table, nor asked of it
      category: category!,
      score,
      bbox: [x1, y1, rounded(x2 - x1), rounded(y2 - y1)],
      area,
      centroid: cells[6] === '' ? null : [x, y],
      perimeter,
    });
  }
  return pictures;
}

type Nine = [number, number, number, number, number, number, number, number, number];

function quoted(cell: string | number): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function parse(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quotedCell, plainCell, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/g)) {
    row.push(quotedCell?.replaceAll('""', '"') ?? plainCell!);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
