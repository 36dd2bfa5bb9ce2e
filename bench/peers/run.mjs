// npm run bench:peers -- [options]: installs the peers beside this file where they are not, and runs main.ts
// through Vite, so that shaders and TypeScript load as in the build.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

process.once('SIGTERM', () => process.exit(143)); // else Playwright closes the browser, and main goes on with the next

if (!existsSync(`${here}node_modules/onnxruntime-web`)) {
  console.log('installing the peers into bench/peers/node_modules');
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });
}

const server = await createServer({
  server: { middlewareMode: true, hmr: false, ws: false },
  appType: 'custom',
  logLevel: 'warn',
});
try {
  const { main } = await server.ssrLoadModule(`${here}main.ts`);
  await main(process.argv.slice(2));
} finally {
  await server.close();
}
