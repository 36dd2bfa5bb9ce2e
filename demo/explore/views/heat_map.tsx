// A slice of numbers [H, W] as colours, one square a cell, with a legend. A cell is pointed at with the mouse, a
// finger, or the arrow keys; the others are told, and show the same place.

import { useEffect, useRef } from 'preact/hooks';
import { gradientOf, paint, type Range, rangeOf, type ScaleName } from '../logic/colour_scale';
import { short } from '../logic/numbers';
import type { Slice } from '../logic/slices';
import './heat_map.css';

export interface Cell {
  readonly y: number;
  readonly x: number;
}

/** A frame around cells y0 x0 to y1 x1, the last included. */
export interface CellFrame {
  readonly y0: number;
  readonly x0: number;
  readonly y1: number;
  readonly x1: number;
}

export interface Extent {
  readonly x: number;
  readonly y: number;
}

interface HeatMapProps {
  slice: Slice;
  /** What is shown; read out by screen readers. */
  name: string;
  scale: ScaleName;
  /** Default: that of the slice. */
  range?: Range | undefined;
  /** The cell that is pointed at. */
  cell?: Cell | undefined;
  onCell?: ((cell: Cell | undefined) => void) | undefined;
  /** More cells to frame: a window, a cell of another map. */
  frames?: readonly CellFrame[];
  /** Shares of the map's width and height that the picture takes; beyond lies padding. */
  extent?: Extent | undefined;
  /** Width over height. Default: cells are squares. */
  aspect?: number | undefined;
  /** Said of the first row, where that is not row 0. */
  firstRow?: number;
  /** How a value reads. */
  format?: (value: number) => string;
  legend?: boolean;
}

export function HeatMap(props: HeatMapProps) {
  const { slice, name, scale, cell, onCell, frames = [], extent, format = short, legend = true } = props;
  const { data, height, width } = slice;
  const { aspect = width / height, firstRow = 0 } = props;
  const range = props.range ?? rangeOf(data, scale);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !width) return;
    const pixels = paint(data, scale, range);
    context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
  }, [data, scale, range[0], range[1]]);

  const inside = cell && cell.y >= 0 && cell.x >= 0 && cell.y < height && cell.x < width ? cell : undefined;
  const value = inside && data[inside.y * width + inside.x]!;
  const reading = inside
    ? `row ${firstRow + inside.y}, column ${inside.x}: ${format(value!)}`
    : 'no cell chosen';
  const all = inside ? [...frames, { y0: inside.y, x0: inside.x, y1: inside.y, x1: inside.x }] : frames;

  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const at = (position: number, start: number, size: number, cells: number) =>
      Math.min(cells - 1, Math.max(0, Math.floor(((position - start) / size) * cells)));
    onCell?.({
      y: at(event.clientY, box.top, box.height, height),
      x: at(event.clientX, box.left, box.width, width),
    });
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = inside ?? { y: Math.floor(height / 2), x: Math.floor(width / 2) };
    const far = event.shiftKey ? 8 : 1;
    const to = (at: number, by: number, cells: number) => Math.min(cells - 1, Math.max(0, at + far * by));
    onCell?.(inside ? { y: to(from.y, step[0]!, height), x: to(from.x, step[1]!, width) } : from);
  };

  const picture = (
    <>
      <canvas ref={canvas} width={width} height={height} />
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {extent && <path class="extent" d={`M ${extent.x * width} 0 V ${extent.y * height} H 0`} />}
        {all.map(({ y0, x0, y1, x1 }) => (
          <g key={`${y0} ${x0} ${y1} ${x1}`}>
            <rect class="halo" x={x0} y={y0} width={x1 - x0 + 1} height={y1 - y0 + 1} />
            <rect class="frame" x={x0} y={y0} width={x1 - x0 + 1} height={y1 - y0 + 1} />
          </g>
        ))}
      </svg>
    </>
  );
  return (
    <figure class="heat-map">
      {onCell ? (
        <div
          class="cells"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: cells are chosen with the arrow keys
          tabIndex={0}
          role="application"
          aria-roledescription="heat map"
          aria-label={`${name}, ${height} rows, ${width} columns; arrow keys choose a cell; ${reading}`}
          style={{ aspectRatio: String(aspect) }}
          onPointerMove={point}
          onPointerDown={point}
          onKeyDown={move}
        >
          {picture}
        </div>
      ) : (
        <div class="cells" role="img" aria-label={name} style={{ aspectRatio: String(aspect) }}>
          {picture}
        </div>
      )}
      {legend && <Legend scale={scale} range={range} format={format} value={value} />}
    </figure>
  );
}

interface LegendProps {
  scale: ScaleName;
  range: Range;
  format?: (value: number) => string;
  /** Marked on the scale. */
  value?: number | undefined;
}

/** The scale with the numbers at its ends. */
export function Legend({ scale, range: [low, high], format = short, value }: LegendProps) {
  const at = value === undefined || high <= low ? undefined : (value - low) / (high - low);
  return (
    <figcaption class="legend">
      <span>{format(low)}</span>
      <span class="gradient" style={{ background: gradientOf(scale) }}>
        {at !== undefined && <i style={{ left: `${100 * Math.min(1, Math.max(0, at))}%` }} />}
      </span>
      <span>{format(high)}</span>
    </figcaption>
  );
}
