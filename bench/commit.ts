// npm run bench:commit -- COMMIT: whole pictures by the library as it was at a commit, and by this tree's, by turns. Both
// are built, as published; the old one in a worktree of its own, with this tree's packages.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/table';
import type * as Library from '../src/node';
import { syntheticWeights } from '../tests/synthetic_weights';
import { parseSize } from './options';
import { median, spread } from './peers/timing';
import { digits } from './text';

const USAGE = `usage: npm run bench:commit -- COMMIT [--size MIN,MAX] [--runs N] [--image FILE]

  --size MIN,MAX  the picture's sides after resizing (default 320,533)
  --runs N        of each, after the first (default 5)
  --image FILE    default: tests/images/astronaut_480x640.png`;

export async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '320,533' },
      runs: { type: 'string', default: '5' },
      image: { type: 'string', default: 'tests/images/astronaut_480x640.png' },
    },
  });
  const [commit] = positionals;
  if (commit === undefined || positionals.length > 1) throw new Error(USAGE);
  const sizes = parseSize(values.size);
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-commit-'));
  try {
    git('worktree', 'add', '--detach', '--force', folder, commit);
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const libraries = new Map<string, typeof Library>();
    for (const [name, root] of [
      [commit, folder],
      ['this tree', resolve('.')],
    ] as const) {
      execFileSync('npx', ['vite', 'build', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' });
      libraries.set(name, await import(/* @vite-ignore */ pathToFileURL(join(root, 'dist/node.js')).href));
    }
    const times = new Map<string, number[]>();
    const models = new Map<string, Library.MaskRCNN>();
    for (const [name, { MaskRCNN }] of libraries) {
      models.set(name, await MaskRCNN.load(syntheticWeights(), { ...sizes }));
      times.set(name, []);
    }
    for (let run = 0; run <= Number(values.runs); run++) {
      for (const [name, model] of models) {
        const image = await libraries.get(name)!.readImage(values.image);
        const started = performance.now();
        await model.detect(image);
        times.get(name)!.push(performance.now() - started);
      }
    }
    const rows = [...times].map(([name, [first, ...later]]) => [
      name,
      digits(first! / 1000),
      digits(median(later) / 1000),
      `${spread(later).toFixed(0)} %`,
    ]);
    process.stdout.write(table([['', 'first, s', 'later, median', 'spread'], ...rows]));
    for (const model of models.values()) model.destroy();
    return 0;
  } finally {
    git('worktree', 'remove', '--force', folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function git(...args: string[]): void {
  execFileSync('git', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
