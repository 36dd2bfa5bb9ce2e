// Chromium for tests: Debian's, or the one that CHROMIUM names, with WebGPU on SwiftShader, its processor renderer,
// so that the tests need no GPU and come out the same with and without one.

import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright';

const NAMES = ['chromium', 'google-chrome', 'google-chrome-stable'];
const FLAGS = [
  '--no-sandbox', // containers have no user namespaces
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** WebGPU canvases need the rest of the graphics on the same renderer; without, the GPU process ends. */
export const CANVAS_FLAGS = [
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
];

/** Throws with advice if there is no browser. */
export function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath(), args: [...FLAGS, ...flags] });
}

function browserPath(): string {
  const folders = (process.env.PATH ?? '').split(':');
  const paths = NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  const found = [process.env.CHROMIUM, ...paths].find((path) => path && executable(path));
  if (found) return found;
  throw new Error('no Chromium or Chrome: run scripts/setup.sh, or set CHROMIUM to the path of one');
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
