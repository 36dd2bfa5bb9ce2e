// Pointer events of the stage as what they mean: pointing, pressing, dragging, pinching, turning the wheel.

import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface Gestures {
  /** About a point of the stage. */
  zoom(factor: number, x: number, y: number): void;
  pan(dx: number, dy: number): void;
  /** Without numbers: nowhere. */
  point(x?: number, y?: number): void;
  press(x: number, y: number): void;
}

const SLACK = 5; // stage pixels that a press may move
const WHEEL = 0.0016; // of the zoom's logarithm for a pixel of the wheel

/** Handlers for the canvas. The wheel zooms while Ctrl is held, or once the canvas has the focus. */
export function useGestures(canvas: RefObject<HTMLCanvasElement | null>, gestures: Gestures) {
  const pointers = useRef(new Map<number, [x: number, y: number]>());
  const way = useRef(0); // of the press so far
  const now = useRef(gestures);
  now.current = gestures;

  useEffect(() => {
    const element = canvas.current!;
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && document.activeElement !== element) return; // then the page scrolls
      event.preventDefault();
      now.current.zoom(Math.exp(-WHEEL * event.deltaY), event.offsetX, event.offsetY);
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [canvas]);

  const move = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    const [x, y] = [event.offsetX, event.offsetY];
    if (!before) {
      gestures.point(x, y);
      return;
    }
    const others = [...pointers.current].filter(([id]) => id !== event.pointerId);
    pointers.current.set(event.pointerId, [x, y]);
    way.current += Math.hypot(x - before[0], y - before[1]);
    if (others.length === 0) {
      if (way.current > SLACK) gestures.pan(x - before[0], y - before[1]);
      return;
    }
    const [u, v] = others[0]![1];
    const spread = (from: [number, number]) => Math.max(1, Math.hypot(from[0] - u, from[1] - v));
    gestures.zoom(spread([x, y]) / spread(before), (x + u) / 2, (y + v) / 2);
    gestures.pan((x - before[0]) / 2, (y - before[1]) / 2);
  };

  const end = (event: PointerEvent) => {
    if (!pointers.current.delete(event.pointerId)) return;
    if (event.type === 'pointerup' && pointers.current.size === 0 && way.current <= SLACK) {
      gestures.press(event.offsetX, event.offsetY);
    }
  };

  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0) return;
      if (pointers.current.size === 0) way.current = 0;
      pointers.current.set(event.pointerId, [event.offsetX, event.offsetY]);
      canvas.current!.setPointerCapture(event.pointerId);
    },
    onPointerMove: move,
    onPointerUp: end,
    onPointerCancel: end,
    onPointerLeave() {
      if (pointers.current.size === 0) gestures.point();
    },
  };
}
