// npm run bench -- [FILE.ts] [options]: runs bench/main.ts, or FILE, through Vite, so that shaders and TypeScript
// load as in the build.

import { createServer } from 'vite';

const server = await createServer({ server: { middlewareMode: true }, appType: 'custom', logLevel: 'warn' });
const args = process.argv.slice(2);
const file = args[0]?.endsWith('.ts') ? args.shift() : 'main.ts';
try {
  const { main } = await server.ssrLoadModule(new URL(file, import.meta.url).pathname);
  await main(args);
} finally {
  await server.close();
}
