// The GPU reports its errors later and elsewhere. Here they become errors of the call that caused them: without
// this, memory that was not to be had would read back as zeros.

import { MaskRcnnError, UnsupportedError } from '../errors';

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
