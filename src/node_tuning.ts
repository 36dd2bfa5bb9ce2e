// Tunings in files: $XDG_CACHE_HOME/maskrcnn-webgpu, or ~/.cache/maskrcnn-webgpu.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readTuning, type TuningStore } from './tuning_store';

function fileOf(adapter: string): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'maskrcnn-webgpu');
  return join(folder, `tuning-${createHash('sha256').update(adapter).digest('hex').slice(0, 16)}.json`);
}

export const fileTunings: TuningStore = {
  async get(adapter) {
    const text = await readFile(fileOf(adapter), 'utf8').catch(() => '');
    return readTuning(text, adapter);
  },
  async set(tuning) {
    const file = fileOf(tuning.adapter);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, `${JSON.stringify(tuning, null, 1)}\n`);
  },
};
