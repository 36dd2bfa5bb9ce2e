// A plugin for the library's build: shaders without comments, indentation, and spaces between what parts by itself:
// a third of their bytes. Lines stay lines, so that a fault is told where it is.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

export const leanShaders: Plugin = {
  name: 'lean-shaders',
  apply: 'build',
  enforce: 'pre',
  load(id) {
    if (!id.endsWith('.wgsl?raw')) return;
    const lines = readFileSync(id.replace(/\?raw$/, ''), 'utf8').split('\n');
    const code = lines.map((line) => dense(line.replace(/\/\/.*$/, '').trim())).filter((line) => line !== '');
    return `export default ${JSON.stringify(`${code.join('\n')}\n`)}`;
  },
};

/** Declarations and directives stay as they are: src/kernels/specialise.ts reads them. */
function dense(line: string): string {
  if (/^(@group|const |alias |#|struct )/.test(line) || / : /.test(line)) return line;
  return line.replace(/ (?=(\S))/g, (space, next: string, at: number) => {
    const kind = kindOf(line[at - 1]!);
    return kind !== undefined && kind === kindOf(next) ? space : '';
  });
}

/** Of characters that would become one token: of words and numbers, or of operators. */
function kindOf(character: string): 'word' | 'operator' | undefined {
  if (/[\w@]/.test(character)) return 'word';
  return /[-+*/<>=!&|%^~.]/.test(character) ? 'operator' : undefined;
}
