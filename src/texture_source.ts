// Which pictures the browser can give as textures.

import { type ImageSource, sizeOf } from './image';

export type Frame = HTMLVideoElement | VideoFrame;
export type TextureSource = Frame | HTMLCanvasElement | OffscreenCanvas | ImageBitmap;

/** Whether a picture can come as a texture: by its kind, its size, and what the browser can do. */
export function isTextureSource(image: ImageSource, device: GPUDevice): image is TextureSource {
  if (isFrame(image)) return canImport(image, device);
  const kinds = ['HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap'] as const;
  if (!kinds.some((kind) => is(image, kind))) return false;
  const { width, height } = sizeOf(image as HTMLCanvasElement);
  return Math.max(width, height) <= device.limits.maxTextureDimension2D;
}

/** Some browsers have the call, and no way to do it, as without a GPU process of their own: these copy by the CPU. */
function canImport(source: Frame, device: GPUDevice): boolean {
  if (typeof device.importExternalTexture !== 'function') return false;
  try {
    device.importExternalTexture({ source });
    return true;
  } catch {
    return false;
  }
}

/** Of a video: it comes as an external texture. */
export function isFrame(image: ImageSource): image is Frame {
  return is(image, 'HTMLVideoElement') || is(image, 'VideoFrame');
}

/** Not every kind is there in a worker, in Node, in an older browser. */
function is(
  image: unknown,
  kind: 'HTMLVideoElement' | 'VideoFrame' | 'HTMLCanvasElement' | 'OffscreenCanvas' | 'ImageBitmap',
) {
  const known: (new () => unknown) | undefined = (globalThis as never)[kind];
  return known !== undefined && image instanceof known;
}
