// Completes the declarations that `tsc -p tsconfig.build.json` wrote to dist/types: relative imports get the
// extension .js, without which TypeScript's Node resolution (`module: nodenext`) does not find them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = fileURLToPath(new URL('../dist/types', import.meta.url));
const RELATIVE = /(from |import\()'(\.\.?\/[^']+)'/g;

for (const name of readdirSync(TYPES, { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = join(TYPES, name);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(RELATIVE, "$1'$2.js'"));
}
