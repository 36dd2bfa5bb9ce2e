// A GPU device in Node, by the npm package `webgpu` (Dawn). Where the system's Vulkan loader finds no driver, the
// software ones that a machine may have in other places are tried: Mesa's llvmpipe and Chromium's SwiftShader.

import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requestDevice } from './device';
import { UnsupportedError } from './errors';

/** Folders of Vulkan driver manifests, in the order in which they are tried. */
const MANIFEST_FOLDERS = [
  join(dirname(fileURLToPath(import.meta.url)), '../.setup/root/usr/share/vulkan/icd.d'), // scripts/setup.sh without root
  '/usr/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
];
const SOFTWARE_DRIVER = /^(lvp_icd|vk_swiftshader_icd).*\.json$/;
/** Variables by which the user chooses the drivers; if one is set, no other driver is tried. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES'];

/** Dawn's instances: the process aborts if one is collected while its devices live. */
const instances: GPU[] = [];

/** A device on the best adapter of the machine. Throws UnsupportedError that says what to install. */
export async function openDevice(): Promise<GPUDevice> {
  const dawn = await importDawn();
  Object.assign(globalThis, dawn.globals);
  process.env.XDG_RUNTIME_DIR ??= mkdtempSync(join(tmpdir(), 'maskrcnn-')); // Mesa complains without one
  const gpu = (await usable(dawn)) ?? (await usableSoftware(dawn));
  if (!gpu) throw new UnsupportedError(noAdapter());
  return requestDevice(gpu);
}

type Dawn = typeof import('webgpu');

async function importDawn(): Promise<Dawn> {
  try {
    return await import('webgpu');
  } catch (cause) {
    const advice = 'npm install webgpu (prebuilt for Linux, macOS and Windows on x64 and arm64)';
    throw new UnsupportedError(`WebGPU in Node needs the package 'webgpu': ${advice}`, { cause });
  }
}

/** A new instance if it has an adapter; Dawn looks for Vulkan drivers once for each. */
async function usable(dawn: Dawn): Promise<GPU | undefined> {
  const gpu = dawn.create([]);
  instances.push(gpu);
  return (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ? gpu : undefined;
}

async function usableSoftware(dawn: Dawn): Promise<GPU | undefined> {
  if (process.platform !== 'linux' || DRIVER_VARIABLES.some((name) => process.env[name])) return undefined;
  for (const manifest of softwareDrivers()) {
    process.env.VK_DRIVER_FILES = manifest; // read by the loader as each instance is made
    process.env.VK_ICD_FILENAMES = manifest; // the same, for loaders before 1.3.207
    const gpu = await usable(dawn);
    if (gpu) return gpu;
  }
  delete process.env.VK_DRIVER_FILES;
  delete process.env.VK_ICD_FILENAMES;
  return undefined;
}

function softwareDrivers(): string[] {
  return MANIFEST_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => SOFTWARE_DRIVER.test(file))
      .map((file) => join(folder, file)),
  );
}

function noAdapter(): string {
  const chosen = DRIVER_VARIABLES.filter((name) => process.env[name]).map(
    (name) => `${name}=${process.env[name]}`,
  );
  if (chosen.length > 0) return `no GPU adapter was found with ${chosen.join(', ')}: unset it, or correct it`;
  const advice = {
    linux:
      'install a Vulkan driver, for instance the software one: run scripts/setup.sh, or as root: ' +
      'apt-get install libvulkan1 mesa-vulkan-drivers (version 25 or later; on Debian 12 from bookworm-backports)',
    win32: 'update the graphics driver, so that it offers Direct3D 12',
  }[process.platform as string];
  return `no GPU adapter was found: ${advice ?? 'update the system and its graphics driver'}`;
}
