// Builds the pages (demo/) into site/: static files for any web server, in any folder. Serves them while developing.

import { defineConfig } from 'vite';

const external = [/^node:/]; // unzipit asks for its workers there, in Node only

export default defineConfig({
  root: 'demo',
  base: './',
  server: { fs: { allow: ['..'] } }, // for src/, shaders/, models/ and tests/images/
  worker: { format: 'es', rollupOptions: { external } },
  build: {
    target: 'es2022',
    outDir: '../site',
    emptyOutDir: true,
    license: { fileName: 'LICENSES.md' }, // of what is bundled
    rollupOptions: { external, input: { index: 'demo/index.html', explore: 'demo/explore.html' } },
  },
});
