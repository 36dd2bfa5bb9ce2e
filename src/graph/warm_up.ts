// Runs pipelines once on next to nothing. Some drivers compile a pipeline only when it is first used; that should
// happen while the weights arrive, and not in the first picture.

import type { Pipeline } from '../kernels/pipelines';
import { checked } from './checked';

/** Bytes of a stand-in for a tensor: of the largest element that a shader binds, and then some. */
const STAND_IN_BYTES = 256;

/** One workgroup of each, with all parameters 0: no kernel has anything to do then. */
export async function warmUp(device: GPUDevice, pipelines: Iterable<Pipeline>): Promise<void> {
  const { STORAGE, UNIFORM } = GPUBufferUsage;
  const uniform = device.createBuffer({ label: 'warm-up', size: STAND_IN_BYTES, usage: UNIFORM });
  const tensors = new Map<number, GPUBuffer>();
  const standIn = (binding: number): GPUBuffer => {
    const buffer =
      tensors.get(binding) ?? device.createBuffer({ label: 'warm-up', size: STAND_IN_BYTES, usage: STORAGE });
    tensors.set(binding, buffer);
    return buffer;
  };
  try {
    await checked(device, 'warming up', () => {
      const encoder = device.createCommandEncoder({ label: 'warm-up' });
      const pass = encoder.beginComputePass();
      for (const { pipeline, layout, bindings } of new Set(pipelines)) {
        const entries = [...bindings].map(([name, binding]) => ({
          binding,
          resource: { buffer: name === 'params' ? uniform : standIn(binding) },
        }));
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, device.createBindGroup({ label: 'warm-up', layout, entries }));
        pass.dispatchWorkgroups(1);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    });
    await device.queue.onSubmittedWorkDone();
  } finally {
    for (const buffer of [uniform, ...tensors.values()]) buffer.destroy();
  }
}
