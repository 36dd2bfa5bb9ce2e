// npm run bench in Node: times on this machine's adapter, prints tables, writes a report.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { computingFor } from '../src/load';
import { fileSource, MaskRCNN, openDevice, readImage } from '../src/node';
import { rows } from '../tests/kernels.table';
import { syntheticWeights } from '../tests/synthetic_weights';
import { compareReports } from './compare';
import { type Options, parseOptions, USAGE } from './options';
import { parseReport, type Report } from './report';
import { buildOf, runSuite, type SuiteOptions } from './suite';
import { ceilingsText, comparisonText, environmentText, resultsText } from './text';

/** The picture whose graph is timed: as tests/images/astronaut_480x640.png. */
const PICTURE = { height: 480, width: 640 };

/** Resolves to the process's exit code: 1 where something could not be timed. */
export async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options.compare) {
    const [before, after] = options.compare.map((path) => parseReport(readFileSync(path, 'utf8'), path));
    process.stdout.write(comparisonText(compareReports(before!, after!)));
    return 0;
  }
  const report = await run(options);
  process.stdout.write(`\n${ceilingsText(report.ceilings)}\n${resultsText(report)}`);
  if (options.json) {
    mkdirSync(dirname(options.json), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  }
  return report.failures.length ? 1 : 0;
}

async function run(options: Options): Promise<Report> {
  const device = await openDevice();
  const source = () => (options.weights ? fileSource(options.weights) : syntheticWeights('maskrcnn'));
  let model: MaskRCNN | undefined;
  try {
    let said = false;
    const suite: SuiteOptions = {
      ...(options.rows ? { rows } : {}),
      filter: options.filter,
      seconds: options.seconds,
      onProgress({ done, total, next, report }) {
        if (!said) process.stdout.write(environmentText(report.environment));
        said = true;
        if (process.stderr.isTTY)
          process.stderr.write(`\r\x1b[K${next && `${done + 1}/${total} ${next}`.slice(0, 100)}`);
      },
    };
    if (options.model) {
      suite.graph = (await buildOf(source(), PICTURE, options))(await computingFor(device, {}));
    }
    if (options.variants) suite.variants = await buildOf(source(), PICTURE, options, true);
    if (options.image) {
      const { minSize, maxSize } = options;
      model = await MaskRCNN.load(source(), { device, minSize, maxSize });
      suite.picture = { model, image: await readImage(options.image), name: options.image };
    }
    return await runSuite(
      device,
      { date: new Date().toISOString(), commit: commit(), versions: versions() },
      suite,
    );
  } finally {
    model?.destroy();
    device.destroy();
  }
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const { version } = require('../package.json');
  return {
    'maskrcnn-webgpu': version,
    node: process.version,
    webgpu: require('webgpu/package.json').version,
  };
}

/** Of the tree, where it is a git one. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? '+' : '');
  } catch {
    return 'unknown';
  }
}
