// node bench/run.mjs SCRIPT [arguments]: calls `main` of bench/SCRIPT.ts through Vite, so that shaders and TypeScript
// load as in the build. Its result is the exit code.

import { createServer } from 'vite';

const [script, ...args] = process.argv.slice(2);
const server = await createServer({
  server: { middlewareMode: true, watch: null },
  appType: 'custom',
  logLevel: 'warn',
});
try {
  const { main } = await server.ssrLoadModule(new URL(`${script}.ts`, import.meta.url).pathname);
  process.exitCode = await main(args);
} catch (error) {
  console.error(error instanceof Error && error.constructor === Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await server.close();
}
