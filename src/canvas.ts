// A page's canvas as something to draw on: checked, and configured where the page has not done so.

import { CanvasError } from './errors';

/** Contexts that were configured here, and may be again, for another device. */
const ours = new WeakSet<GPUCanvasContext>();

/** The texture that the canvas shows next; good for this task only. Throws CanvasError that says what to do. */
export function canvasTexture(context: GPUCanvasContext, device: GPUDevice): GPUTexture {
  if (typeof context?.getCurrentTexture !== 'function') {
    const got = Object.prototype.toString.call(context).slice(8, -1);
    throw new CanvasError(
      `draw: wanted a GPUCanvasContext, as canvas.getContext('webgpu') gives; got ${got}`,
    );
  }
  const { width, height } = context.canvas;
  if (!(width > 0 && height > 0)) {
    throw new CanvasError(
      `draw: wanted a canvas with pixels; got ${width} x ${height}: set its width and height`,
    );
  }
  const most = Math.floor(Math.sqrt(device.limits.maxStorageBufferBindingSize / 4));
  if (width * height > most * most) {
    throw new CanvasError(
      `draw: wanted a canvas of at most ${most} x ${most} pixels; got ${width} x ${height}`,
    );
  }
  configure(context, device);
  const texture = context.getCurrentTexture();
  if (!(texture.usage & GPUTextureUsage.RENDER_ATTACHMENT)) {
    throw new CanvasError(
      'draw: wanted a canvas configured with usage RENDER_ATTACHMENT, which is the default',
    );
  }
  return texture;
}

/** Leaves a context alone that the page has configured for this device. */
function configure(context: GPUCanvasContext, device: GPUDevice): void {
  const configured = configuredFor(context, device);
  if (configured === device) return;
  if (configured && !ours.has(context)) {
    throw new CanvasError(
      'draw: the canvas is configured for another GPU device: configure it with model.device, or load the model with { device }',
    );
  }
  const format = navigator.gpu.getPreferredCanvasFormat();
  context.configure({ device, format, alphaMode: 'premultiplied' });
  ours.add(context);
}

/** Some browsers do not tell; then whoever configured it, did it right. */
function configuredFor(context: GPUCanvasContext, device: GPUDevice): GPUDevice | undefined {
  if (typeof context.getConfiguration === 'function') return context.getConfiguration()?.device;
  try {
    context.getCurrentTexture();
    return device;
  } catch {
    return undefined;
  }
}
