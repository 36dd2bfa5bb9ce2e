// Builds the library (dist/), runs the tests, and serves the demo's pages (demo/).

import { defineConfig } from 'vitest/config';

const library = {
  entry: { index: 'src/index.ts', node: 'src/node.ts', cli: 'src/cli/main.ts' },
  formats: ['es' as const],
};

export default defineConfig({
  build: {
    target: 'es2022',
    lib: library,
    minify: false,
    rollupOptions: { external: [/^node:/, 'webgpu', '@napi-rs/canvas', 'commander', 'cli-progress'] },
  },
  test: {
    include: ['tests/**/*.spec.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
