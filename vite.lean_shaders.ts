// A plugin for the library's build: shaders without comments and indentation, which are a quarter of their bytes.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

export const leanShaders: Plugin = {
  name: 'lean-shaders',
  apply: 'build',
  enforce: 'pre',
  load(id) {
    if (!id.endsWith('.wgsl?raw')) return;
    const lines = readFileSync(id.replace(/\?raw$/, ''), 'utf8').split('\n');
    const code = lines.map((line) => line.replace(/\/\/.*$/, '').trim()).filter((line) => line !== '');
    return `export default ${JSON.stringify(`${code.join('\n')}\n`)}`;
  },
};
