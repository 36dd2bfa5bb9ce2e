// The command line as it is used: dist/cli.js in a process of its own, with the trained model of the package.

import { execFile } from 'node:child_process';
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
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readImage } from '../src/node_image';
import type { CocoResult } from '../src/results/coco';
import { decodeRle } from '../src/rle';

const PICTURE = 'tests/images/nuclei_192x256.png';
const SIZE = ['--size', '192,256']; // as it is: quick
const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-cli-'));
const inFolder = (name: string) => join(folder, name);

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function maskrcnn(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/cli.js', ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

function results(file: string): CocoResult[] {
  return JSON.parse(readFileSync(inFolder(file), 'utf8'));
}

beforeAll(async () => {
  if (!existsSync('dist/cli.js')) await build({ logLevel: 'error' });
});

afterAll(() => rmSync(folder, { recursive: true }));

test('--help lists the commands, detect --help the options', async () => {
  const { code, stdout, stderr } = await maskrcnn('--help');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/detect .*IMAGE\.\.\.[\s\S]*info .*\[MODEL\]/);
  const detect = await maskrcnn('detect', '--help');
  expect(detect.code).toBe(0);
  const options =
    '--recursive --model --weights --score --size --count --json --csv --resume --overlay --profile';
  for (const option of options.split(' ')) expect(detect.stdout).toContain(option);
});

test.each([
  ['no command', [], 'Usage: maskrcnn'],
  ['an unknown command', ['segment'], "unknown command 'segment'"],
  ['an unknown option', ['detect', PICTURE, '--fast'], "unknown option '--fast'"],
  ['no picture', ['detect'], "missing required argument 'IMAGE'"],
  ['a score above 1', ['detect', PICTURE, '--score', '50'], 'Wanted a number from 0 to 1'],
  ['a score that is no number', ['detect', PICTURE, '--score', 'high'], 'Wanted a number from 0 to 1'],
  ['an empty score', ['detect', PICTURE, '--score', ''], 'Wanted a number from 0 to 1'],
  ['one size', ['detect', PICTURE, '--size', '800'], 'Wanted two whole numbers'],
  ['sizes in the wrong order', ['detect', PICTURE, '--size', '1333,800'], 'Wanted two whole numbers'],
  ['a size of zero', ['detect', PICTURE, '--size', '0,800'], 'Wanted two whole numbers'],
  ['an option without its value', ['detect', PICTURE, '--json'], "option '--json <FILE>' argument missing"],
  ['two files for info', ['info', PICTURE, PICTURE], 'too many arguments'],
])('%s is wrong usage: exit code 2', async (_name, args, message) => {
  const { code, stdout, stderr } = await maskrcnn(...args);
  expect(stderr).toContain(message);
  expect([code, stdout]).toEqual([2, '']);
});

test('a weights file that is not there, or is none, is a fault that names it', async () => {
  const missing = await maskrcnn('detect', PICTURE, '--weights', inFolder('none.safetensors'));
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('none.safetensors');
  const wrong = await maskrcnn('info', PICTURE);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/^maskrcnn: tests\/images\/nuclei_192x256\.png: /);
  expect(wrong.stderr).not.toContain('    at '); // no stack
});

test('a folder for results that cannot be made is a fault that names it', async () => {
  const { code, stderr } = await maskrcnn('detect', PICTURE, '--overlay', join(PICTURE, 'out'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^maskrcnn: .*nuclei_192x256\.png/);
});

test('info prints the architecture, the tensors and the layer table, and needs no GPU', async () => {
  const { code, stdout, stderr } = await maskrcnn('info', '--size', '64,96');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^architecture +torchvision\/maskrcnn/m);
  expect(stdout).toMatch(/^classes +nucleus$/m);
  expect(stdout).toMatch(/^backbone\.body\.conv1\.weight +F16 +\d+x3x7x7$/m);
  expect(stdout).toMatch(/^label +kernel +shape +MACs +bytes$/m);
  expect(stdout).toMatch(/^backbone\.body\.conv1 +conv2d\w* +[\dx]+ +\d+ +\d+$/m);
  expect(stdout).toMatch(/^total +\d+ nodes +\d+ +\d+$/m);
});

const mobile = join(process.env.SHARED_DATA ?? '../shared/data', 'maskrcnn2go');

describe.skipIf(!existsSync(mobile))('a Caffe2 model, by its folder', () => {
  test('info tells its classes, and its layers', async () => {
    const { code, stdout, stderr } = await maskrcnn('info', mobile);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^architecture +facebook\/maskrcnn2go$/m);
    expect(stdout).toMatch(/^classes +person, bicycle, .*toothbrush$/m);
    expect(stdout).toMatch(/^backbone\.blocks\.0\.depthwise +depthwise_conv2d +1x160x320x32 +\d+ +\d+$/m);
  });

  test('detect finds the astronaut', async () => {
    const image = 'tests/images/astronaut_480x640.png';
    const { code, stdout } = await maskrcnn('detect', image, '--model', mobile, '--size', '160,320');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +person +1 +1\.00-1\.00 +\d+ px/m);
  });
});

describe('detect', () => {
  let outcome: Outcome;

  beforeAll(async () => {
    mkdirSync(inFolder('other'));
    copyFileSync(PICTURE, inFolder('other/nuclei_192x256.jpg')); // the same name, for its overlay
    const pictures = [PICTURE, inFolder('other/nuclei_192x256.jpg')];
    const outputs = [
      '--json',
      inFolder('new/all.json'),
      '--overlay',
      folder,
      '--profile',
      inFolder('profile.json'),
    ];
    outcome = await maskrcnn('detect', ...pictures, ...SIZE, ...outputs);
  });

  test('shows each picture and what was found, by class', () => {
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.stdout.match(/nuclei_192x256\.\w+ +256x192 +\d+ objects +[\d.]+ m?s/g)).toHaveLength(2);
    expect(outcome.stdout).toMatch(/nucleus +\d+ +0\.\d\d-[01]\.\d\d +\d+ px/);
  });

  test('--json is in the COCO results format, sorted by picture and score', () => {
    const found = results('new/all.json');
    expect(found.length).toBeGreaterThan(20);
    const order = found.map(({ image_id, score }) => image_id - score / 2);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(found.filter((result) => result.image_id === 0)).toHaveLength(found.length / 2);
    for (const { file_name, category_id, category, bbox, score, segmentation } of found) {
      expect([category_id, category]).toEqual([1, 'nucleus']);
      expect(file_name).toMatch(/^nuclei_192x256\.(png|jpg)$/);
      expect(score).toBeGreaterThanOrEqual(0.5);
      expect(score).toBeLessThanOrEqual(1);
      const [x, y, w, h] = bbox;
      expect(Math.min(x, y, w, h)).toBeGreaterThanOrEqual(0);
      expect(x + w).toBeLessThanOrEqual(256.001);
      expect(y + h).toBeLessThanOrEqual(192.001);
      expect(segmentation?.size).toEqual([192, 256]);
      expect(decodeRle(segmentation!).some((pixel) => pixel === 1)).toBe(true);
    }
  });

  test('--overlay writes a picture of the same size for each, without overwriting', async () => {
    const original = await readImage(PICTURE);
    for (const name of ['nuclei_192x256.png', 'nuclei_192x256-2.png']) {
      const overlay = await readImage(inFolder(name));
      expect([overlay.width, overlay.height]).toEqual([256, 192]);
      const changed = overlay.data.reduce((sum, value, i) => sum + Number(value !== original.data[i]), 0);
      expect(changed).toBeGreaterThan(10_000);
    }
  });

  test('--profile shows one submit, one readback, and every node', () => {
    const profile = JSON.parse(readFileSync(inFolder('profile.json'), 'utf8'));
    expect(profile).toMatchObject({ submits: 1, readbacks: 1, dispatches: profile.nodes.length });
    expect(profile.adapter.description).not.toBe('');
    for (const key of ['peakBytes', 'bytesWithoutReuse', 'compileMs', 'uploadMs', 'runMs']) {
      expect(profile[key], key).toBeGreaterThan(0);
    }
    expect(profile.peakBytes).toBeLessThan(profile.bytesWithoutReuse);
    expect(profile.images).toHaveLength(2);
    expect(profile.nodes[0]).toMatchObject({ label: expect.any(String), shape: expect.any(Array) });
  });
});

test('pictures that cannot be read are named and passed over; the others are done', async () => {
  writeFileSync(inFolder('text.png'), 'no picture');
  writeFileSync(inFolder('empty.png'), '');
  writeFileSync(inFolder('broken.png'), readFileSync(PICTURE).subarray(0, 3000));
  const faulty = ['text.png', 'empty.png', 'broken.png', 'none.png'].map(inFolder);
  const json = ['--json', inFolder('rest.json')];
  const { code, stderr } = await maskrcnn(
    'detect',
    ...faulty,
    'tests/images/cat_1x1.png',
    PICTURE,
    ...SIZE,
    ...json,
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/text\.png: not a picture/);
  expect(stderr).toMatch(/empty\.png: the file is empty/);
  expect(stderr).toMatch(/broken\.png: the PNG file is cut off/);
  expect(stderr).toMatch(/none\.png: .*no such file/);
  expect(new Set(results('rest.json').map((result) => result.image_id))).toContain(5);
});

test('with no picture that can be used, nothing is written', async () => {
  const { code, stderr } = await maskrcnn('detect', inFolder('none.png'), '--json', inFolder('nothing.json'));
  expect(code).toBe(1);
  expect(stderr).toContain('none.png');
  expect(existsSync(inFolder('nothing.json'))).toBe(false);
});
