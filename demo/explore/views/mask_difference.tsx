// A part of the picture with two masks over it: what both cover, and what only one of them does.

import { useEffect, useRef } from 'preact/hooks';
import type { MaskRegion } from '../../../src/rle';
import type { Box } from '../logic/boxes';
import { holds } from '../logic/mask_pairs';
import type { Run } from '../run';

type Colour = readonly [r: number, g: number, b: number];
export const BOTH: Colour = [255, 255, 255];
export const FIRST: Colour = [0, 158, 255];
export const SECOND: Colour = [255, 140, 0];

interface MaskDifferenceProps {
  run: Run;
  /** In pixels of the picture; a margin is added. */
  box: Box;
  first: MaskRegion;
  second?: MaskRegion | undefined;
  name: string;
}

export function MaskDifference({ run, box, first, second, name }: MaskDifferenceProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width: W, height: H } = run.info.picture;
  const margin = 0.25 * Math.max(box[2] - box[0], box[3] - box[1]) + 2;
  const x1 = Math.max(0, Math.floor(box[0] - margin));
  const y1 = Math.max(0, Math.floor(box[1] - margin));
  const width = Math.min(W, Math.ceil(box[2] + margin)) - x1;
  const height = Math.min(H, Math.ceil(box[3] + margin)) - y1;
  useEffect(() => {
    const context = canvas.current?.getContext('2d', { willReadFrequently: true });
    if (!context) return;
    context.drawImage(run.picture.bitmap, x1, y1, width, height, 0, 0, width, height);
    const image = context.getImageData(0, 0, width, height);
    for (let i = 0; i < width * height; i++) {
      const [y, x] = [y1 + Math.floor(i / width), x1 + (i % width)];
      const [a, b] = [holds(first, y, x), second ? holds(second, y, x) : false];
      if (!a && !b) continue;
      const colour = second ? (a && b ? BOTH : a ? FIRST : SECOND) : FIRST;
      const share = colour === BOTH ? 0.35 : 0.75;
      for (let k = 0; k < 3; k++) {
        image.data[4 * i + k] = (1 - share) * image.data[4 * i + k]! + share * colour[k]!;
      }
    }
    context.putImageData(image, 0, 0);
  }, [run, first, second, x1, y1, width, height]);
  return (
    <div class="cells crop" role="img" aria-label={name} style={{ aspectRatio: `${width} / ${height}` }}>
      <canvas ref={canvas} width={width} height={height} />
    </div>
  );
}

/** What the colours mean, with numbers of pixels. */
export function Key({ entries }: { entries: readonly (readonly [colour: Colour, text: string])[] }) {
  return (
    <ul class="key">
      {entries.map(([colour, text]) => (
        <li key={text}>
          <i style={{ background: `rgb(${colour})` }} /> {text}
        </li>
      ))}
    </ul>
  );
}
