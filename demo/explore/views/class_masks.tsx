// The masks of all classes for one object, of which one counts.

import { useEffect, useRef } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { paint } from '../logic/colour_scale';
import { classMask } from '../logic/mask_head';
import type { Slice } from '../logic/slices';

interface ClassMasksProps {
  // [1, M, M, K]
  logits: HostTensor;
  /** The class of channel 0. */
  first: number;
  classes: readonly string[];
  /** The object's class. */
  own: number;
  /** The one that is looked at. */
  value: number;
  onChange: (label: number) => void;
}

export function ClassMasks({ logits, first, classes, own, value, onChange }: ClassMasksProps) {
  const count = logits.shape[3]!;
  return (
    <section aria-label="Masks of all classes">
      <h2>A mask of every class</h2>
      <p class="faint small">
        The box head chose {classes[own]}.
        {first === 0 && ' The background has a channel too, which is never used.'} Choose another to see it
        pasted.
      </p>
      <div class="class-masks">
        {Array.from({ length: count }, (_, channel) => channel + first).map((label) => (
          <button key={label} type="button" aria-pressed={label === value} onClick={() => onChange(label)}>
            <Thumbnail slice={classMask(logits, label - first)} />
            <span>{label === 0 ? 'background' : (classes[label] ?? `class ${label}`)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}

function Thumbnail({ slice: { data, height, width } }: { slice: Slice }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const pixels = new Uint8ClampedArray(paint(data, 'viridis', [0, 1]).buffer);
    canvas.current?.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [data]);
  return <canvas ref={canvas} width={width} height={height} />;
}
