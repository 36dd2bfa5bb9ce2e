// Counts the bytes of a device's buffers that are not destroyed. One that is dropped without `destroy` counts on:
// when a garbage collector frees it is nobody's guess.

/** From now on. Wraps the device's `createBuffer`, and each new buffer's `destroy`. */
export function trackBuffers(device: GPUDevice): { readonly bytes: number; readonly count: number } {
  const live = { bytes: 0, count: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    live.bytes += buffer.size;
    live.count++;
    const destroy = buffer.destroy.bind(buffer);
    let gone = false;
    buffer.destroy = () => {
      if (!gone) {
        live.bytes -= buffer.size;
        live.count--;
      }
      gone = true;
      return destroy();
    };
    return buffer;
  };
  return live;
}
