// Fills a hole in a picture from its surroundings: each colour within becomes the mean of its four neighbours
// (Laplace's equation, the steady state of diffusion; Bertalmio et al. 2000, Image Inpainting, without its transport
// along edges). Solved from coarse to fine, so that large holes take no longer than their area asks for.

import type { Pixels } from './pixels';

/** One channel set of the picture around the hole. */
interface Level {
  width: number;
  height: number;
  /** [H, W, 3] */
  colours: Float32Array;
  /** [H, W]: 1 where the colour is known. */
  known: Uint8Array;
}

const SWEEPS = 30; // at each level, over-relaxed
const OVER = 1.7; // Young 1954

/** hole [H, W] of 0 and 1. `report` hears the share that is done. Outside the hole nothing changes. */
export function inpaint(
  picture: Pixels,
  hole: Uint8Array,
  report: (share: number) => void = () => {},
): Pixels {
  const { width, height } = picture;
  const colours = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) colours[3 * i + channel] = picture.data[4 * i + channel]!;
  }
  const known = Uint8Array.from(hole, (missing) => 1 - missing);
  const levels: Level[] = [{ width, height, colours, known }];
  while (levels.at(-1)!.known.includes(0) && Math.min(levels.at(-1)!.width, levels.at(-1)!.height) > 1) {
    levels.push(halved(levels.at(-1)!));
  }
  for (let i = levels.length - 1; i >= 0; i--) {
    if (levels[i + 1]) refine(levels[i]!, levels[i + 1]!);
    relax(levels[i]!);
    report(1 - i / levels.length);
  }
  const data = picture.data.slice();
  for (let i = 0; i < hole.length; i++) {
    if (hole[i]) data.set(colours.subarray(3 * i, 3 * i + 3), 4 * i);
  }
  return { ...picture, data };
}

/** Half as large; a pixel is the mean of those of its four that are known. */
function halved({ width, height, colours, known }: Level): Level {
  const [across, down] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half: Level = {
    width: across,
    height: down,
    colours: new Float32Array(3 * across * down),
    known: new Uint8Array(across * down),
  };
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const to = y * across + x;
      let count = 0;
      for (let v = 2 * y; v < Math.min(2 * y + 2, height); v++) {
        for (let u = 2 * x; u < Math.min(2 * x + 2, width); u++) {
          const from = v * width + u;
          if (!known[from]) continue;
          count++;
          for (let channel = 0; channel < 3; channel++)
            half.colours[3 * to + channel]! += colours[3 * from + channel]!;
        }
      }
      if (count === 0) continue;
      half.known[to] = 1;
      for (let channel = 0; channel < 3; channel++) half.colours[3 * to + channel]! /= count;
    }
  }
  return half;
}

/** What is not known begins as the coarser level has it. */
function refine({ width, height, colours, known }: Level, coarse: Level): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = y * width + x;
      if (known[to]) continue;
      const from = (y >> 1) * coarse.width + (x >> 1);
      colours.set(coarse.colours.subarray(3 * from, 3 * from + 3), 3 * to);
    }
  }
}

/** Gauss and Seidel's sweeps, over-relaxed, in what is not known. */
function relax({ width, height, colours, known }: Level): void {
  const holes: number[] = [];
  for (let i = 0; i < known.length; i++) if (!known[i]) holes.push(i);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const over = sweep === SWEEPS - 1 ? 1 : OVER;
    for (const at of holes) {
      const x = at % width;
      const y = (at - x) / width;
      for (let channel = 0; channel < 3; channel++) {
        const value = (place: number) => colours[3 * place + channel]!;
        let [sum, count] = [0, 0];
        if (x > 0) [sum, count] = [sum + value(at - 1), count + 1];
        if (x < width - 1) [sum, count] = [sum + value(at + 1), count + 1];
        if (y > 0) [sum, count] = [sum + value(at - width), count + 1];
        if (y < height - 1) [sum, count] = [sum + value(at + width), count + 1];
        if (count > 0) colours[3 * at + channel]! += over * (sum / count - value(at));
      }
    }
  }
}
