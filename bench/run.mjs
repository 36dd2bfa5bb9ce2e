// npm run bench -- [options]: runs bench/main.ts through Vite, so that shaders and TypeScript load as in the build.

import { createServer } from 'vite';

const server = await createServer({ server: { middlewareMode: true }, appType: 'custom', logLevel: 'warn' });
try {
  const { main } = await server.ssrLoadModule(new URL('main.ts', import.meta.url).pathname);
  await main(process.argv.slice(2));
} finally {
  await server.close();
}
