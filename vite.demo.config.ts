// Builds the pages (demo/) into site/: static files for any web server, in any folder. Serves them while developing.

import { defineConfig } from 'vite';

export default defineConfig({
  root: 'demo',
  base: './',
  server: { fs: { allow: ['..'] } }, // for src/, shaders/, models/ and tests/images/
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: '../site',
    emptyOutDir: true,
    license: { fileName: 'LICENSES.md' }, // of what is bundled
    rollupOptions: { input: { index: 'demo/index.html', explore: 'demo/explore.html' } },
  },
});
