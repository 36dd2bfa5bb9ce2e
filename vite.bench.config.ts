// Serves the benchmark's page (bench/), and a checkpoint of R50-FPN with synthetic weights that is made on the way.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { defineConfig, type Plugin } from 'vite';
import packageJson from './package.json' with { type: 'json' };

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? '+' : '');
  } catch {
    return 'unknown';
  }
}

const module = new URL('tests/synthetic_weights.ts', import.meta.url).pathname;

const syntheticCheckpoint: Plugin = {
  name: 'synthetic-checkpoint',
  configureServer(server) {
    server.middlewares.use('/maskrcnn_resnet50_fpn.safetensors', async (request, response) => {
      const { syntheticWeights } = await server.ssrLoadModule(module);
      const { size, read } = syntheticWeights('maskrcnn');
      response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' });
      const gone = new AbortController();
      request.on('close', () => gone.abort());
      try {
        for await (const piece of read(gone.signal)) {
          if (!response.write(Uint8Array.from(piece))) await once(response, 'drain', { signal: gone.signal });
        }
        response.end();
      } catch (error) {
        if (!gone.signal.aborted) throw error; // else the page has read enough
      }
    });
  },
};

export default defineConfig({
  root: 'bench',
  cacheDir: '../node_modules/.vite/bench',
  plugins: [syntheticCheckpoint],
  define: { COMMIT: JSON.stringify(commit()), VERSION: JSON.stringify(packageJson.version) },
  server: { fs: { allow: ['..'] } }, // for src/, shaders/, tests/ and models/
  optimizeDeps: { include: ['@observablehq/plot', 'simple-statistics', 'tinybench'] },
});
