// The visitor's picture with things drawn over it: boxes, masks, arrows. All in pixels of the picture.

import { useEffect, useRef } from 'preact/hooks';
import type { MaskRegion } from '../../../src/rle';
import type { Box } from '../logic/resize';
import type { Run } from '../run';
import './picture_overlay.css';

export interface OverlayBox {
  readonly box: Box;
  /** CSS colour. Default: the accent. */
  readonly colour?: string | undefined;
  readonly dashed?: boolean | undefined;
  /** Stands out: thicker, and above the others. */
  readonly strong?: boolean | undefined;
  /** How much it covers: 0..1. Default 0. */
  readonly fill?: number | undefined;
  /** Written at its top left corner. */
  readonly label?: string | undefined;
  readonly key?: string | number | undefined;
}

/** A line, with an arrow's head at its end. */
export interface OverlayArrow {
  readonly from: readonly [x: number, y: number];
  readonly to: readonly [x: number, y: number];
  readonly colour?: string | undefined;
}

export interface OverlayMask {
  readonly mask: MaskRegion;
  /** r, g, b of 0..255. */
  readonly colour: readonly [number, number, number];
}

interface PictureOverlayProps {
  run: Run;
  /** What is shown; read out by screen readers. */
  name: string;
  boxes?: readonly OverlayBox[];
  arrows?: readonly OverlayArrow[];
  masks?: readonly OverlayMask[];
  /** Whether the picture itself steps back. */
  dim?: boolean;
  /** Where the pointer is, in pixels of the picture; undefined when it leaves. */
  onPoint?: ((point: { x: number; y: number } | undefined) => void) | undefined;
}

export function PictureOverlay(props: PictureOverlayProps) {
  const { run, name, boxes = [], arrows = [], masks = [], dim = false, onPoint } = props;
  const { bitmap } = run.picture;
  const { width, height } = run.info.picture;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.drawImage(bitmap, 0, 0);
    for (const each of masks) drawMask(context, each);
  }, [run, masks]);
  const point = ({ clientX, clientY, currentTarget }: PointerEvent) => {
    const box = (currentTarget as Element).getBoundingClientRect();
    onPoint?.({
      x: ((clientX - box.left) / box.width) * width,
      y: ((clientY - box.top) / box.height) * height,
    });
  };
  const inOrder = [...boxes.filter(({ strong }) => !strong), ...boxes.filter(({ strong }) => strong)];
  const unit = Math.max(width, height) / 100;
  return (
    <div
      class={`picture ${dim ? 'dim' : ''}`}
      role="img"
      aria-label={name}
      style={{ aspectRatio: `${width} / ${height}`, '--shape': width / height }}
      onPointerMove={onPoint && point}
      onPointerDown={onPoint && point}
      onPointerLeave={onPoint && (() => onPoint(undefined))}
    >
      <canvas ref={canvas} width={width} height={height} />
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {inOrder.map((each, i) => (
          <BoxShape key={each.key ?? i} {...each} unit={unit} />
        ))}
        {arrows.map((arrow) => (
          <Arrow key={`${arrow.from} ${arrow.to}`} {...arrow} unit={unit} />
        ))}
      </svg>
    </div>
  );
}

function BoxShape({ box, colour, dashed, strong, fill = 0, label, unit }: OverlayBox & { unit: number }) {
  const [x1, y1, x2, y2] = box;
  return (
    <g style={{ color: colour ?? 'var(--overlay)' }}>
      {strong && <rect class="halo" x={x1} y={y1} width={x2 - x1} height={y2 - y1} />}
      <rect
        class={`box ${strong ? 'strong' : ''} ${dashed ? 'dashed' : ''}`}
        x={x1}
        y={y1}
        width={Math.max(0, x2 - x1)}
        height={Math.max(0, y2 - y1)}
        fill-opacity={fill}
      />
      {label && (
        <text x={Math.max(0, x1)} y={y1 > 4 * unit ? y1 - 0.6 * unit : y1 + 3 * unit} font-size={2.6 * unit}>
          {label}
        </text>
      )}
    </g>
  );
}

function Arrow({ from, to, colour, unit }: OverlayArrow & { unit: number }) {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const wing = (turn: number) =>
    [to[0] - 1.6 * unit * Math.cos(angle + turn), to[1] - 1.6 * unit * Math.sin(angle + turn)].join(' ');
  return (
    <g class="arrow" style={{ color: colour ?? 'var(--overlay)' }}>
      <path d={`M ${from.join(' ')} L ${to.join(' ')} M ${wing(0.5)} L ${to.join(' ')} L ${wing(-0.5)}`} />
    </g>
  );
}

function drawMask(context: CanvasRenderingContext2D, { mask, colour: [r, g, b] }: OverlayMask): void {
  const { x, y, width, height, data } = mask;
  if (!width || !height) return;
  const image = context.getImageData(x, y, width, height);
  data.forEach((set, i) => {
    if (!set) return;
    const at = 4 * i;
    image.data[at] = (image.data[at]! + r) / 2;
    image.data[at + 1] = (image.data[at + 1]! + g) / 2;
    image.data[at + 2] = (image.data[at + 2]! + b) / 2;
  });
  context.putImageData(image, x, y);
}
