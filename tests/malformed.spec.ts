// Files that are damaged or hostile, more than 200 of each format: each gives a WeightError within two seconds, and the
// process that reads them one after the other stays below 256 MB, all of Node included. It may neither write nor start
// anything, nor make code of text.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { readWeights } from '../src/weights/read_weights';
import type { Case } from './malformed_case';
import { legacyCases, pickleCases, zipCases } from './malformed_files';
import { OWNED } from './malformed_pickles';
import type { Outcome } from './malformed_reader';
import { safetensorsCases, shardCases } from './malformed_safetensors';
import { py } from './pickle_writer';

const MAX_MS = 2000;
const MAX_BYTES = 256e6;
const folder = mkdtempSync(join(tmpdir(), 'malformed-'));
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const NO_CODE = '--disallow-code-generation-from-strings';

beforeAll(async () => {
  rmSync(OWNED, { force: true });
  const outDir = join(folder, 'reader');
  const input = { reader: 'tests/malformed_reader.ts' };
  const output = { entryFileNames: '[name].mjs' };
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: { ssr: true, outDir, rollupOptions: { input, output } },
    ssr: { noExternal: true },
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  expect(existsSync(OWNED), 'a pickle was run').toBe(false);
});

const FORMATS: [string, () => Case[]][] = [
  ["PyTorch's zip", zipCases],
  ["PyTorch's old format", legacyCases],
  ["detectron2's and Caffe2's pickles", pickleCases],
  ['safetensors', safetensorsCases],
  ['safetensors in shards', shardCases],
];

test.each(FORMATS)(
  '%s: 200 files and more are refused, quickly and in little memory',
  async (format, cases) => {
    const all = cases();
    expect(all.length).toBeGreaterThanOrEqual(200);
    const paths = new Map(
      all.map(([what, files], i) => [written(join(folder, format, String(i)), files), what]),
    );
    const reader = startReader();
    let peak = 0;
    for (const [path, what] of paths) {
      const outcome = await reader.read(path);
      expect(outcome.error, what).toBe('WeightError');
      expect(outcome.message.length, what).toBeLessThan(700);
      expect(outcome.ms, what).toBeLessThan(MAX_MS);
      expect(outcome.peak, what).toBeLessThan(MAX_BYTES);
      ({ peak } = outcome);
    }
    reader.process.kill();
    console.info(`${format}: ${all.length} files, ${(peak / 1e6).toFixed(0)} MB of the process at its peak`);
  },
);

/** Writes a case's files into `place`; returns the path of the one to read. */
function written(place: string, files: Case[1]): string {
  const named = files instanceof Uint8Array ? { file: files } : files;
  mkdirSync(place, { recursive: true });
  for (const [name, bytes] of Object.entries(named)) writeFileSync(join(place, name), bytes);
  return join(place, Object.keys(named)[0]!);
}

/** A process that reads one file after the other. */
function startReader(): { process: ChildProcess; read(path: string): Promise<Outcome> } {
  const flags = [PERMISSION, `--allow-fs-read=${folder}`, '--allow-fs-read=/proc', NO_CODE, '--no-warnings'];
  const child = spawn(process.execPath, [...flags, join(folder, 'reader/reader.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the reader ended: ${code ?? signal}`)));
  });
  ended.catch(() => {}); // it ends when all is read, too
  return {
    process: child,
    async read(path) {
      child.stdin.write(`${path}\n`);
      const timer = setTimeout(() => child.kill('SIGKILL'), 5 * MAX_MS); // it hangs
      const line = await Promise.race([lines.next(), ended]);
      clearTimeout(timer);
      if (line.done) throw new Error(`${path}: the reader ended`);
      return JSON.parse(line.value) as Outcome;
    },
  };
}

const ignore = { header() {}, data() {} };

/** The fault of reading these bytes, and how long it took. */
async function outcome(bytes: Uint8Array): Promise<{ error: unknown; ms: number }> {
  const started = performance.now();
  const error = await readWeights(bytes, ignore).then(
    () => undefined,
    (fault) => fault,
  );
  return { error, ms: performance.now() - started };
}

describe('damage of any kind gives tensors or a WeightError', () => {
  const files = [
    'zip_f32.pth',
    'zip_deflated.pth',
    'legacy_wrapped.pth',
    'detectron_2.pkl',
    'detectron_5.pkl',
    'python2.pkl',
  ];
  test.each(files)('%s with bytes changed, cut out and put in', { timeout: 120_000 }, async (file) => {
    const whole = new Uint8Array(readFileSync(`tests/golden/checkpoints/${file}`));
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(4), fc.uint8Array({ maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let damaged: Uint8Array = whole;
        for (const [at, length, bytes] of changes) {
          damaged = py.raw(damaged.subarray(0, at), bytes, damaged.subarray(at + length));
        }
        const { error, ms } = await outcome(damaged);
        if (error !== undefined) expect(error).toBeInstanceOf(WeightError);
        expect(ms).toBeLessThan(MAX_MS);
      }),
      { numRuns: 150 },
    );
  });

  test('opcodes at random', { timeout: 120_000 }, async () => {
    const opcodes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(opcodes, async (codes) => {
        const { error, ms } = await outcome(py.raw(0x80, 4, codes));
        expect(error).toBeInstanceOf(WeightError);
        expect(ms).toBeLessThan(MAX_MS);
      }),
      { numRuns: 500 },
    );
  });
});
