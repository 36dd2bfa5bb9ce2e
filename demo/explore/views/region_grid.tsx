// A part of a map with a grid of bins over it. A cell's value stands at the middle of its square; whatever is drawn
// on top is in feature cells. Bins are chosen with the pointer or the arrow keys.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Box } from '../logic/boxes';
import { paint, type Range, type ScaleName } from '../logic/colour_scale';
import type { Slice } from '../logic/slices';
import type { Cell } from './heat_map';

interface RegionGridProps {
  slice: Slice;
  /** The cells that are shown, x2 and y2 not among them. */
  window: Box;
  scale: ScaleName;
  range: Range;
  name: string;
  bins: number;
  bin: Cell;
  onBin: (bin: Cell) => void;
  /** Where bins are, for the pointer: the box that they divide, in feature cells. */
  area: Box;
  children: ComponentChildren;
}

export function RegionGrid(props: RegionGridProps) {
  const { slice, window, scale, range, name, bins, bin, onBin, area, children } = props;
  const [x1, y1, x2, y2] = window;
  const [width, height] = [x2 - x1, y2 - y1];
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const cells = Float32Array.from({ length: width * height }, (_, i) => {
      const [y, x] = [y1 + Math.floor(i / width), x1 + (i % width)];
      return slice.data[y * slice.width + x]!;
    });
    const pixels = new Uint8ClampedArray(paint(cells, scale, range).buffer);
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [slice, scale, range[0], range[1], x1, y1, x2, y2]);

  const choose = (y: number, x: number) => {
    const within = (index: number) => Math.min(bins - 1, Math.max(0, index));
    onBin({ y: within(y), x: within(x) });
  };
  const point = ({ clientX, clientY, currentTarget }: PointerEvent) => {
    const frame = (currentTarget as Element).getBoundingClientRect();
    const x = x1 - 0.5 + ((clientX - frame.left) / frame.width) * width;
    const y = y1 - 0.5 + ((clientY - frame.top) / frame.height) * height;
    choose(
      Math.floor(((y - area[1]) / (area[3] - area[1])) * bins),
      Math.floor(((x - area[0]) / (area[2] - area[0])) * bins),
    );
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(bin.y + step[0]!, bin.x + step[1]!);
  };
  return (
    <div
      class="cells region-grid"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: bins are chosen with the arrow keys
      tabIndex={0}
      role="application"
      aria-roledescription="grid of bins"
      aria-label={`${name}; arrow keys choose a bin; row ${bin.y}, column ${bin.x}`}
      style={{ aspectRatio: `${width} / ${height}` }}
      onPointerMove={point}
      onPointerDown={point}
      onKeyDown={move}
    >
      <canvas ref={canvas} width={width} height={height} />
      <svg
        viewBox={`${x1 - 0.5} ${y1 - 0.5} ${width} ${height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {children}
      </svg>
    </div>
  );
}

/** The whole cells around a box, and one more on each side, within the map. */
export function windowOf([x1, y1, x2, y2]: Box, { height, width }: { height: number; width: number }): Box {
  return [
    Math.max(0, Math.floor(x1) - 1),
    Math.max(0, Math.floor(y1) - 1),
    Math.min(width, Math.ceil(x2) + 2),
    Math.min(height, Math.ceil(y2) + 2),
  ];
}
