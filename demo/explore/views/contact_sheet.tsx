// All channels of a map as small pictures on one sheet; one is chosen, with the mouse or the arrow keys.

import { useEffect, useRef } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { paint, type Range, rangeOf, type ScaleName } from '../logic/colour_scale';
import { channelOf } from '../logic/slices';
import './contact_sheet.css';

interface ContactSheetProps {
  tensor: HostTensor;
  /** Of the maps. */
  n: number;
  scale: ScaleName;
  /** One range for all; undefined: each its own. */
  range: Range | undefined;
  chosen: number;
  onChoose: (channel: number) => void;
}

/** Pixels of a small picture's longer side, at most. */
const SIDE = 72;
/** Channels on a sheet. */
const MOST = 256;

export function ContactSheet({ tensor, n, scale, range, chosen, onChoose }: ContactSheetProps) {
  const [, height, width, channels] = tensor.shape as [number, number, number, number];
  const first = Math.floor(chosen / MOST) * MOST;
  const count = Math.min(MOST, channels - first);
  const columns = Math.ceil(Math.sqrt((count * height * 1.6) / width));
  const rows = Math.ceil(count / columns);
  const every = Math.max(1, Math.ceil(Math.max(height, width) / SIDE));
  const [h, w] = [Math.ceil(height / every), Math.ceil(width / every)];
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, columns * (w + 1), rows * (h + 1));
    for (let i = 0; i < count; i++) {
      const { data } = channelOf(tensor, first + i, n);
      const small = Float32Array.from(
        { length: h * w },
        (_, at) => data[Math.floor(at / w) * every * width + (at % w) * every]!,
      );
      const pixels = paint(small, scale, range ?? rangeOf(data, scale));
      const image = new ImageData(new Uint8ClampedArray(pixels.buffer), w, h);
      context.putImageData(image, (i % columns) * (w + 1), Math.floor(i / columns) * (h + 1));
    }
  }, [tensor, n, scale, range?.[0], range?.[1], first]);
  const choose = (channel: number) => {
    if (channel >= 0 && channel < channels) onChoose(channel);
  };
  const click = ({ clientX, clientY, currentTarget }: MouseEvent) => {
    const box = (currentTarget as Element).getBoundingClientRect();
    const column = Math.floor(((clientX - box.left) / box.width) * columns);
    const row = Math.floor(((clientY - box.top) / box.height) * rows);
    const i = row * columns + column;
    if (column < columns && i < count) choose(first + i);
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(chosen + step);
  };
  const at = chosen - first;
  return (
    <div
      class="sheet"
      role="slider"
      tabIndex={0}
      aria-label="Channel, on a sheet of all of them"
      aria-valuemin={0}
      aria-valuemax={channels - 1}
      aria-valuenow={chosen}
      style={{ aspectRatio: `${columns * (w + 1)} / ${rows * (h + 1)}` }}
      onClick={click}
      onKeyDown={keys}
    >
      <canvas ref={canvas} width={columns * (w + 1)} height={rows * (h + 1)} />
      <i
        style={{
          left: `${((at % columns) / columns) * 100}%`,
          top: `${(Math.floor(at / columns) / rows) * 100}%`,
          width: `${100 / columns}%`,
          height: `${100 / rows}%`,
        }}
      />
    </div>
  );
}
