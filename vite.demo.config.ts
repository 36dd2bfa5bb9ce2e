// Builds the demo (demo/) into site/: static files for any web server, in any folder. Serves it while developing.

import { defineConfig } from 'vite';

export default defineConfig({
  root: 'demo',
  base: './',
  server: { fs: { allow: ['..'] } }, // for src/, shaders/ and models/
  build: { target: 'es2022', outDir: '../site', emptyOutDir: true },
});
