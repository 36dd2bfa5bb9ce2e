// Edits and files of masks, apart from the page's thread and from the GPU's worker: neither waits for the other.

import { expose, transfer } from 'comlink';
import { zipSync } from 'fflate';
import { Mask, type MaskSource } from '../../../src/mask';
import { type Background, changeBackground } from './background';
import { inpaint } from './inpaint';
import { cutOut, grow, type Pixels, union } from './pixels';

const EDGE = 0.006; // of the longer side: how far an erased object's edge and its soft shadow reach

/** Each takes a bitmap of its own, and closes it. Masks are at the network's threshold. */
const edits = {
  /** A PNG of one object, clear around it. */
  async cutOut(bitmap: ImageBitmap, mask: MaskSource): Promise<Blob> {
    const cut = cutOut(pixelsOf(bitmap), new Mask(mask).region());
    if (!cut) throw new Error('the mask of this object has no pixel');
    return pngOf(cut);
  },

  async background(
    bitmap: ImageBitmap,
    masks: readonly MaskSource[],
    change: Background,
  ): Promise<ImageBitmap> {
    const picture = pixelsOf(bitmap);
    return bitmapOf(changeBackground(picture, objects(picture, masks), change));
  },

  async erase(
    bitmap: ImageBitmap,
    masks: readonly MaskSource[],
    report: (share: number) => void,
  ): Promise<ImageBitmap> {
    const picture = pixelsOf(bitmap);
    const { width, height } = picture;
    const reach = Math.max(2, Math.round(EDGE * Math.max(width, height)));
    return bitmapOf(inpaint(picture, grow(objects(picture, masks), width, height, reach), report));
  },

  /** A zip of PNGs of the picture's size, white where the object is; by name. */
  async maskPngs(masks: readonly { name: string; mask: MaskSource }[]): Promise<Uint8Array<ArrayBuffer>> {
    const files: Record<string, Uint8Array> = {};
    for (const { name, mask } of masks) {
      const { imageWidth: width, imageHeight: height } = mask;
      const data = new Uint8ClampedArray(4 * width * height);
      new Uint32Array(data.buffer).set(
        Uint32Array.from(new Mask(mask).bitmap(), (bit) => (bit ? WHITE : BLACK)),
      );
      const png = await pngOf({ data, width, height });
      files[name] = new Uint8Array(await png.arrayBuffer());
    }
    const zip = zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>; // PNGs are compressed already
    return transfer(zip, [zip.buffer]);
  },
};

const [WHITE, BLACK] = [0xffffffff, 0xff000000];

export type Edits = typeof edits;

function objects({ width, height }: Pixels, masks: readonly MaskSource[]): Uint8Array {
  return union(
    masks.map((mask) => new Mask(mask).region()),
    width,
    height,
  );
}

function pixelsOf(bitmap: ImageBitmap): Pixels {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { data: data as Pixels['data'], width, height };
}

async function bitmapOf(picture: Pixels): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(imageOf(picture));
  return transfer(bitmap, [bitmap]);
}

function pngOf(picture: Pixels): Promise<Blob> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d')!.putImageData(imageOf(picture), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

function imageOf({ data, width, height }: Pixels): ImageData {
  return new ImageData(data, width, height);
}

expose(edits);
