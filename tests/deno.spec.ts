// The built library in Deno, whose WebGPU is wgpu (compiler: naga), against Dawn (compiler: Tint) in Node.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { specialise } from '../src/kernels/specialise';
import { buildLibrary } from './built_library';
import { nucleiModel, picture } from './engine';
import { rows } from './kernels.table';
import { expectSame, type PortableDetection, portable } from './portable_detections';

const DENO = resolve('node_modules/.bin/deno');
const OPTIONS = { minSize: 256, maxSize: 512, boxScoreThresh: 0.3 };

interface Answer {
  adapter: string;
  faults: { name: string; message: string; text: string }[];
  result: {
    detections: PortableDetection[];
    loadMs: number;
    timing: { prepareMs: number; runMs: number };
  };
}

const missing = existsSync(DENO) ? '' : ' (skipped: no node_modules/.bin/deno, run npm ci)';

describe.skipIf(missing)(`Deno${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-deno-'));
  let library: Awaited<ReturnType<typeof buildLibrary>> | undefined;
  let answer: Answer;

  beforeAll(async () => {
    library = await buildLibrary();
    const { data, width, height } = await picture('tests/images/nuclei_192x256.png');
    const inFolder = (name: string, content: string | Uint8ClampedArray) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const job = {
      library: `file://${library.folder}/index.js`,
      weights: resolve('models/nuclei.safetensors'),
      pixels: inFolder('pixels.rgba', data),
      width,
      height,
      options: OPTIONS,
      shaders: inFolder('shaders.json', JSON.stringify(variants())),
    };
    answer = await deno(inFolder('job.json', JSON.stringify(job)));
    const { loadMs, timing } = answer.result;
    console.info(`Deno on ${answer.adapter}: load ${loadMs.toFixed()} ms, ${JSON.stringify(timing)}`);
  }, 300_000);

  afterAll(() => {
    library?.remove();
    rmSync(folder, { recursive: true });
  });

  test('its compiler takes every variant of every shader in the tables', () => {
    const told = answer.faults.map(({ name, message }) => `${name}: ${message}`);
    expect(told).toEqual([]);
  });

  test('the same detections as Node', async () => {
    const model = await nucleiModel(OPTIONS);
    const { detections } = await model.detect(await picture('tests/images/nuclei_192x256.png'));
    model.destroy();
    expect(detections.length).toBeGreaterThan(10);
    expectSame(answer.result.detections, detections.map(portable), 'Deno');
  });
});

/** The specialised text of each distinct variant in the kernel tables. */
function variants(): { name: string; text: string }[] {
  const found = new Map<string, string>();
  // naga does not parse `enable subgroups` yet, and its devices do not offer them: no such variant is asked for there
  for (const { kernel, inputs, attributes } of rows.filter(({ needs }) => needs !== 'subgroups')) {
    found.set(specialise(kernel.source, kernel.dispatch(inputs, attributes).constants), kernel.name);
  }
  return [...found].map(([text, name]) => ({ name, text }));
}

async function deno(job: string): Promise<Answer> {
  const env = { XDG_RUNTIME_DIR: tmpdir(), ...process.env }; // Mesa complains without one
  const { stdout } = await promisify(execFile)(
    DENO,
    ['run', '--no-config', '--no-lock', '--allow-read', resolve('tests/deno_detect.mjs'), job],
    { env, maxBuffer: 1 << 28 },
  );
  return JSON.parse(stdout);
}
