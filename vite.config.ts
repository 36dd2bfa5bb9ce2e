// Builds the library (dist/) and runs the tests. The pages have a file of their own, vite.demo.config.ts.

import { builtinModules } from 'node:module';
import { esmExternalRequirePlugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { leanShaders } from './vite.lean_shaders.ts';

const library = {
  entry: { index: 'src/index.ts', node: 'src/node.ts', cli: 'src/cli/main.ts' },
  formats: ['es' as const],
};

export default defineConfig({
  // all but Node's own modules and the optional packages is bundled; CommonJS in there may ask for the former
  plugins: [leanShaders, esmExternalRequirePlugin({ external: [/^node:/, ...builtinModules] })],
  build: {
    target: 'es2022',
    lib: library,
    minify: false,
    license: { fileName: 'LICENSES.md' }, // of what is bundled
    rollupOptions: {
      external: ['webgpu', '@napi-rs/canvas'], // all else is bundled
      preserveEntrySignatures: 'allow-extension', // what is imported later finds the rest in the entry: fewer, larger files
    },
  },
  test: {
    include: ['tests/**/*.spec.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
