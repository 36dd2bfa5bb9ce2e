// Reads files in a process of its own, so that what it takes can be measured, and may do nothing but read: started by
// malformed.spec.ts with a path a line on stdin; for each a line of JSON comes back.

import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { WeightError } from '../src/errors';
import { fileSource } from '../src/file_source';
import { readWeights } from '../src/weights/read_weights';

const STATUS = '/proc/self/status';

/** What came of a file. */
export interface Outcome {
  path: string;
  /** The error's name, `none` where there was none. */
  error: string;
  message: string;
  /** Of reading, in milliseconds. */
  ms: number;
  /** Resident bytes of the process at their peak so far. */
  peak: number;
}

/** Resident memory at its highest. Linux counts that of the parent in maxRSS, but not in its own file. */
function peakBytes(): number {
  const status = existsSync(STATUS) ? readFileSync(STATUS, 'utf8') : '';
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
}

for await (const path of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const fault: unknown = await readWeights(fileSource(path), { header() {}, data() {} }).then(
    () => undefined,
    (error) => error,
  );
  const ms = performance.now() - started;
  const error = fault === undefined ? 'none' : fault instanceof WeightError ? 'WeightError' : String(fault);
  const message = fault instanceof Error ? fault.message : '';
  const peak = peakBytes();
  process.stdout.write(`${JSON.stringify({ path, error, message, ms, peak } satisfies Outcome)}\n`);
}
