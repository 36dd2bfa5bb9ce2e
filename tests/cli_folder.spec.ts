// `maskrcnn detect` over a folder: counts, the table of objects, and what is left after a broken file, a kill or
// Ctrl-C. In a process of its own, on small pictures; the measures by hand and against scikit-image.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createCanvas } from '@napi-rs/canvas';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countTable } from '../src/cli/count';
import { checkOverlayFolder, imagePaths } from '../src/cli/images';
import type { CocoResult } from '../src/results/coco';
import { csv, readCsv } from '../src/results/csv';
import type { Found } from '../src/results/found';
import { measureBox, measureMask } from '../src/results/measure';
import { decodeRle } from '../src/rle';

const NUCLEI = 'tests/images/nuclei_192x256.png';
const SIZE = ['--size', '96,128'];
const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-folder-'));
const inFolder = (...names: string[]) => join(folder, ...names);
const text = (name: string) => readFileSync(inFolder(name), 'utf8');

afterAll(() => rmSync(folder, { recursive: true }));

describe('measures', () => {
  // by skimage.measure.perimeter(mask, neighborhood=4), scikit-image 0.26.0
  test.each<[string, number, string[]]>([
    ['one pixel', 0, ['#']],
    ['all of the picture', 20, ['#######', '#######', '#######', '#######', '#######']],
    [
      'a diagonal line',
      8.485281374238571,
      ['#.......', '.#......', '..#.....', '...#....', '....#...', '.....#..', '......#.', '.......#'],
    ],
    [
      'a disc',
      21.65685424949238,
      [
        '...........',
        '...#####...',
        '..#######..',
        '..#######..',
        '..#######..',
        '..#######..',
        '..#######..',
        '...#####...',
        '...........',
      ],
    ],
    [
      'a ring',
      42.62741699796952,
      [
        '....###....',
        '..#######..',
        '..#######..',
        '.###...###.',
        '.###...###.',
        '.###...###.',
        '..#######..',
        '..#######..',
        '....###....',
      ],
    ],
    [
      'two objects that touch at a corner',
      20,
      [
        '...........',
        '.####......',
        '.####......',
        '.####......',
        '.....####..',
        '.....####..',
        '.....####..',
        '...........',
      ],
    ],
    [
      'noise',
      49.3492424049175,
      [
        '.#.#.#.#.#.',
        '##..#..#...',
        '.####.###..',
        '##.#.##..##',
        '###..#.#.#.',
        '###.##..##.',
        '##..##..###',
        '.#.#.###.#.',
        '######.###.',
      ],
    ],
  ])("the perimeter of %s is scikit-image's", (_name, perimeter, rows) => {
    expect(measureMask(region(rows)).perimeter).toBeCloseTo(perimeter, 4);
  });

  test('by hand: an L of three pixels at (10, 20), an empty mask, a box', () => {
    // centres (10.5, 20.5), (10.5, 21.5), (11.5, 21.5); outline: two steps of 1, one of sqrt(2)
    const l = measureMask({ ...region(['#.', '##']), x: 10, y: 20 });
    expect(l).toEqual({ area: 3, centroid: [10.8333, 21.1667], perimeter: 3.4142 });
    expect(measureMask(region(['..', '..']))).toEqual({ area: 0, centroid: null, perimeter: 0 });
    expect(measureBox([1, 2, 3, 4.5])).toEqual({ area: 14, centroid: [2.5, 4.25], perimeter: 15 });
  });
});

describe('tables', () => {
  const found = (category: string, area: number, score = 0.5): Found => ({
    category_id: 1,
    category,
    bbox: [1, 2, 3.5, 4],
    score,
    ...measureBox([1, 2, 3.5, 4]),
    area,
  });

  test('--csv quotes what needs it, and is read back', () => {
    const path = 'a "b",\nc.png';
    const pictures = [
      { id: 0, name: 'x', path, found: [found('cell, big', 14), { ...found('x', 0), centroid: null }] },
      { id: 1, name: 'y', path: 'empty.png', found: [] },
      { id: 2, name: 'z', path: 'z.png', found: [found('x', 9, 0.123456789)] },
    ];
    const table = csv(pictures);
    expect(table).toBe(
      'file,id,class,score,x1,y1,x2,y2,area,centroid_x,centroid_y,perimeter\n' +
        '"a ""b"",\nc.png",1,"cell, big",0.5,1,2,4.5,6,14,2.75,4,15\n' +
        '"a ""b"",\nc.png",2,x,0.5,1,2,4.5,6,0,,,15\n' +
        'z.png,1,x,0.123456789,1,2,4.5,6,9,2.75,4,15\n',
    );
    const back = readCsv(table, 'table.csv');
    expect([...back.keys()]).toEqual([path, 'z.png']);
    expect(csv(pictures.map((picture) => ({ ...picture, found: back.get(picture.path) ?? [] })))).toBe(table);
    expect(() => readCsv('name,x\n', 'other.csv')).toThrow(/^other\.csv: wanted a table that maskrcnn wrote/);
  });

  test('--count has a row a picture, a column a class, and the total', () => {
    const pictures = [
      { path: 'a.png', found: [found('cat', 10), found('dog', 20), found('dog', 33)] },
      { path: 'none.png', found: [] },
      { path: 'broken.png' },
    ];
    expect(countTable(pictures)).toBe(
      'file        dog  cat  mean area\n' +
        'a.png         2    1       21.0\n' +
        'none.png      0    0          -\n' +
        'broken.png    -    -          -\n' +
        'total         2    1       21.0\n',
    );
  });
});

test('a folder is its pictures by name; --recursive goes deeper; one without pictures is a fault', () => {
  for (const name of ['set/b.PNG', 'set/a.webp', 'set/c.txt', 'set/.d.png', 'set/sub/e.jpeg', 'bare/f.tif']) {
    mkdirSync(join(inFolder(name), '..'), { recursive: true });
    writeFileSync(inFolder(name), '');
  }
  const set = inFolder('set');
  expect(imagePaths(['x.gif', set])).toEqual(['x.gif', join(set, 'a.webp'), join(set, 'b.PNG')]);
  expect(imagePaths([set], true).map((path) => path.slice(set.length + 1))).toEqual([
    'a.webp',
    'b.PNG',
    join('sub', 'e.jpeg'),
  ]);
  expect(() => imagePaths([inFolder('bare')])).toThrow(/bare: no picture in this folder; wanted \.png/);
  expect(() => checkOverlayFolder([set], `${set}/.`)).toThrow(/among the pictures/);
  expect(() => checkOverlayFolder([set], join(set, 'sub'), true)).toThrow(/among the pictures/);
  checkOverlayFolder([set], join(set, 'sub'));
  checkOverlayFolder([set], inFolder('set2'), true);
});

describe('a folder', () => {
  const pictures = inFolder('pictures');
  const outputs = (name: string) => ['--json', inFolder(`${name}.json`), '--csv', inFolder(`${name}.csv`)];
  const written = (name: string) => [text(`${name}.json`), text(`${name}.csv`)];
  let whole: Outcome;

  beforeAll(async () => {
    if (!existsSync('dist/cli.js')) await build({ logLevel: 'error' });
    mkdirSync(join(pictures, 'more'), { recursive: true });
    writeFileSync(join(pictures, '1_blank.png'), await createCanvas(256, 192).encode('png')); // finds nothing
    copyFileSync(NUCLEI, join(pictures, '2, nuclei.png'));
    copyFileSync(NUCLEI, join(pictures, '3.png'));
    copyFileSync(NUCLEI, join(pictures, 'more', '2, nuclei.png'));
    whole = await detect(pictures, '--recursive', '--count', ...outputs('whole'));
  });

  test('--count prints the table alone; it agrees with --json and --csv', () => {
    expect(whole.code, whole.stderr).toBe(0);
    const lines = whole.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^file +nucleus +mean area$/);
    expect(lines[1]).toMatch(/1_blank\.png +0 +-$/);
    expect(lines).toHaveLength(6);
    const results: CocoResult[] = JSON.parse(text('whole.json'));
    const areas = results.map(({ segmentation }) =>
      decodeRle(segmentation!).reduce((sum, pixel) => sum + pixel, 0),
    );
    const mean = (areas.reduce((sum, area) => sum + area, 0) / areas.length).toFixed(1);
    expect(lines[5]).toMatch(new RegExp(`^total +${results.length} +${mean}$`));
    const rows = text('whole.csv').trimEnd().split('\n').slice(1);
    expect(rows.map((row) => Number(row.split(',').at(-4)))).toEqual(areas);
  });

  test('pictures of the same name are told apart', () => {
    const results: CocoResult[] = JSON.parse(text('whole.json'));
    const same = results.filter(({ file_name }) => file_name === '2, nuclei.png');
    expect(new Set(same.map(({ image_id }) => image_id))).toEqual(new Set([1, 3]));
    expect(new Set(same.map(({ path }) => path)).size).toBe(2);
    expect(text('whole.csv')).toContain(`\n"${join(pictures, 'more', '2, nuclei.png')}",1,nucleus,`);
  });

  test('a run that was killed and resumed writes the very files of one that was not', async () => {
    const killed = start(pictures, '--recursive', ...outputs('killed'));
    await printed(killed, '2, nuclei.png');
    killed.kill('SIGKILL');
    await ended(killed);
    expect(existsSync(inFolder('killed.json'))).toBe(false);
    writeFileSync(inFolder('killed.json.partial'), '["/cut/off', { flag: 'a' });

    const other = await detect(pictures, '--recursive', '--resume', '--score', '0.7', ...outputs('killed'));
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(
      /killed\.json\.partial: begun with .*"score":0\.5.*begin anew without --resume/,
    );

    const { code, stdout, stderr } = await detect(pictures, '--recursive', '--resume', ...outputs('killed'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^[23] of 4 pictures were done already/); // the one without objects too
    expect(stdout).not.toContain('1_blank.png');
    expect(written('killed')).toEqual(written('whole'));
    expect(existsSync(inFolder('killed.json.partial'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('Ctrl-C leaves whole files with what is done', async () => {
    const stopped = start(pictures, '--recursive', ...outputs('stopped'));
    await printed(stopped, '2, nuclei.png');
    stopped.kill('SIGINT');
    expect(await ended(stopped)).toBe('SIGINT'); // as the shell expects it
    const results: CocoResult[] = JSON.parse(text('stopped.json'));
    const ids = new Set(results.map(({ image_id }) => image_id));
    expect(ids).toContain(1);
    expect(ids).not.toContain(3);
    expect(text('whole.csv').startsWith(text('stopped.csv'))).toBe(true);
    const { code } = await detect(pictures, '--recursive', '--resume', '--count', ...outputs('stopped'));
    expect(code).toBe(0);
    expect(written('stopped')).toEqual(written('whole'));
  });

  test('--resume goes on with files that were finished: new pictures only, from --json or from --csv', async () => {
    const results: CocoResult[] = JSON.parse(text('whole.json'));
    const known = results.filter(({ path }) => basename(path) === '2, nuclei.png');
    writeFileSync(inFolder('grown.json'), JSON.stringify(known));
    const rows = text('whole.csv').split('\n');
    writeFileSync(inFolder('grown.csv'), rows.filter((row) => !row.includes('3.png')).join('\n'));
    const json = ['--json', inFolder('grown.json')];
    for (const output of [json, ['--csv', inFolder('grown.csv')]]) {
      const { stdout, code } = await detect(pictures, '--recursive', '--resume', ...output);
      expect([code, stdout.split('\n')[0]]).toEqual([0, '2 of 4 pictures were done already']);
    }
    expect(written('grown')).toEqual(written('whole'));

    const fewer = await detect(pictures, '--resume', ...json);
    expect(fewer.code).toBe(1);
    expect(fewer.stderr).toMatch(/grown\.json: holds .*more.* not among the pictures/);
    expect(written('grown')).toEqual(written('whole'));
  });

  test('a broken picture is told at the end, by name and reason; the exit code is 1', async () => {
    const faulty = inFolder('faulty');
    mkdirSync(faulty);
    writeFileSync(join(faulty, 'a.png'), readFileSync(NUCLEI).subarray(0, 3000));
    copyFileSync(join(pictures, '3.png'), join(faulty, 'b.png'));
    const { code, stdout, stderr } = await detect(faulty, '--count', ...outputs('faulty'));
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^maskrcnn: .*a\.png: the PNG file is cut off/);
    expect(stdout).toMatch(/a\.png +- +-\n.*b\.png +\d+ /);
    expect(text('faulty.csv').split('\n')[1]).toContain(`b.png,1,`);
    expect(existsSync(inFolder('faulty.json.partial'))).toBe(false);
    copyFileSync(NUCLEI, join(faulty, 'a.png'));
    const mended = await detect(faulty, '--resume', ...outputs('faulty'));
    expect([mended.code, mended.stdout.split('\n')[0]]).toEqual([0, '1 of 2 pictures were done already']);
    const names = (JSON.parse(text('faulty.json')) as CocoResult[]).map(({ path }) => basename(path));
    expect([...new Set(names)]).toEqual(['a.png', 'b.png']);
  });

  test('--resume without a file to go on with is wrong usage', async () => {
    const { code, stderr } = await detect(pictures, '--resume');
    expect(code).toBe(2);
    expect(stderr).toContain("'--resume' needs --json or --csv");
  });
});

interface Outcome {
  code: number | NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

async function detect(...args: string[]): Promise<Outcome> {
  const child = start(...args);
  const outcome = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.on('data', (data) => {
      outcome[name] += data;
    });
  }
  return { code: await ended(child), ...outcome };
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['dist/cli.js', 'detect', ...args, ...SIZE]);
}

/** -> exit code, or the signal that ended it */
function ended(child: ChildProcess): Promise<Outcome['code']> {
  return new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
}

/** Resolves when the child has printed `wanted`. */
function printed(child: ChildProcess, wanted: string): Promise<void> {
  let all = '';
  return new Promise((resolve) => {
    child.stdout!.on('data', (data) => {
      all += data;
      if (all.includes(wanted)) resolve();
    });
  });
}

/** `#` for the object's pixels. */
function region(rows: readonly string[]) {
  const data = Uint8Array.from(rows.join(''), (pixel) => Number(pixel === '#'));
  return { x: 0, y: 0, width: rows[0]!.length, height: rows.length, data };
}
