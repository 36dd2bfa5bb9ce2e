// Asks the platform for a GPU device. Keeps nothing: the caller owns what it gets.

import { UnsupportedError } from './errors';

/** Features that are used where the adapter has them, and not missed where it has not. */
export const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

/** A device with default limits, which is all that the kernels need. Throws UnsupportedError and says what is missing. */
export async function requestDevice(gpu: GPU | undefined = globalThis.navigator?.gpu): Promise<GPUDevice> {
  if (!gpu) {
    throw new UnsupportedError(
      'this browser has no WebGPU (navigator.gpu): use a current Chrome, Edge, Safari or Firefox, over https or localhost',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new UnsupportedError(
      'WebGPU is there, but no GPU adapter: check chrome://gpu, and that hardware acceleration is switched on',
    );
  }
  const requiredFeatures = OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature));
  return adapter.requestDevice({ label: 'maskrcnn-webgpu', requiredFeatures });
}
