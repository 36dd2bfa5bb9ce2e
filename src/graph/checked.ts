// The GPU reports its errors later and elsewhere. Here they become errors of the call that caused them: without
// this, memory that was not to be had would read back as zeros.

import { DeviceLostError, MaskRcnnError, UnsupportedError } from '../errors';
import { bytesOf, describe, MAX_WORKGROUPS } from '../kernels/kernel';
import type { Node } from './graph';

/** Does `work`, which must not wait for anything, and throws what the GPU has to say about it. */
export async function checked<T>(device: GPUDevice, what: string, work: () => T): Promise<T> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let result: T;
  let reports: Promise<GPUError | null>[] = [];
  try {
    result = work();
  } finally {
    reports = [device.popErrorScope(), device.popErrorScope()]; // inner first
    for (const report of reports) report.catch(() => {}); // if `work` threw, its error is the one to tell
  }
  const [memory, validation] = await Promise.all(reports);
  if (memory) {
    throw new UnsupportedError(
      `${what}: the GPU has not enough memory: ${memory.message}. Use a smaller maxSize, or fewer proposals or detections`,
    );
  }
  if (validation) throw new MaskRcnnError(`${what}: the GPU refused: ${validation.message}`);
  return result;
}

/** Throws where a tensor or a dispatch is too large for the device, and says what would help. */
export function checkLimits(node: Node, limits: GPUSupportedLimits): void {
  for (const tensor of [...Object.values(node.inputs), ...Object.values(node.outputs)]) {
    if (bytesOf(tensor) > limits.maxStorageBufferBindingSize) {
      throw new UnsupportedError(
        `${node.label}: ${tensor.label} ${describe(tensor)} takes ${bytesOf(tensor)} bytes; the device binds at most ` +
          `${limits.maxStorageBufferBindingSize}. Use a smaller maxSize, or fewer proposals or detections`,
      );
    }
  }
  if (node.dispatch.workgroups.some((n) => n > MAX_WORKGROUPS)) {
    throw new UnsupportedError(
      `${node.label}: wanted at most ${MAX_WORKGROUPS} workgroups; got ${node.dispatch.workgroups}`,
    );
  }
}

/** Who waits for a device, and why it has gone if it has. */
interface Watch {
  readonly waiting: Set<(error: DeviceLostError) => void>;
  error?: DeviceLostError;
}

const watches = new WeakMap<GPUDevice, Watch>();

/** One for each device: its `lost` would keep whatever every call asked to be told by it, for as long as it lives. */
function watchOf(device: GPUDevice): Watch {
  const known = watches.get(device);
  if (known) return known;
  const watch: Watch = { waiting: new Set() };
  watches.set(device, watch);
  void device.lost.then(({ message, reason }) => {
    watch.error = new DeviceLostError(
      `the GPU device was lost (${reason || 'unknown'}): ${message || 'no reason given'}`,
    );
    for (const tell of watch.waiting) tell(watch.error);
  });
  return watch;
}

/** Waits for the GPU; a device that goes away meanwhile is an error of ours, not a wait without end. */
export async function unlessLost(device: GPUDevice, done: Promise<unknown>, failure: string): Promise<void> {
  const watch = watchOf(device);
  let tell: (error: DeviceLostError) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    tell = reject;
    watch.waiting.add(tell);
    if (watch.error) tell(watch.error);
  });
  try {
    await Promise.race([done, lost]);
  } catch (error) {
    if (error instanceof DeviceLostError) throw error;
    throw new DeviceLostError(`${failure}: ${String(error)}`, { cause: error });
  } finally {
    watch.waiting.delete(tell);
  }
}
