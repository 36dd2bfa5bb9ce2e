// The ends of the counting line, over the stage: dragged, or moved with the arrow keys.

import type { Line } from './settings_url';
import { set, settings } from './state';
import type { Size, View } from './view';

const STEP = 0.02; // of the picture's side, by key

export function LineHandles({ view, picture }: { view: View; picture: Size }) {
  const line = settings.value.line!;
  const place = (end: 0 | 1, x: number, y: number) => {
    const next = [...line] as [number, number, number, number];
    next[2 * end] = Math.min(Math.max(x, 0), 1);
    next[2 * end + 1] = Math.min(Math.max(y, 0), 1);
    set({ line: next as Line });
  };
  return ([0, 1] as const).map((end) => {
    const [x, y] = [line[2 * end]!, line[2 * end + 1]!];
    const onKeyDown = (event: KeyboardEvent) => {
      const step = KEYS[event.key];
      if (!step) return;
      event.preventDefault();
      place(end, x + STEP * step[0], y + STEP * step[1]);
    };
    const onPointerMove = (event: PointerEvent) => {
      const handle = event.currentTarget as HTMLElement;
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, top } = handle.parentElement!.getBoundingClientRect();
      const stageX = event.clientX - left - handle.parentElement!.clientLeft;
      const stageY = event.clientY - top - handle.parentElement!.clientTop;
      place(
        end,
        (stageX - view.x) / view.scale / picture.width,
        (stageY - view.y) / view.scale / picture.height,
      );
    };
    return (
      <button
        key={end}
        type="button"
        class="handle"
        aria-label={`End ${end + 1} of the counting line: ${Math.round(100 * x)} % across, ${Math.round(100 * y)} % down. Arrow keys move it.`}
        style={{
          left: `${view.x + x * picture.width * view.scale}px`,
          top: `${view.y + y * picture.height * view.scale}px`,
        }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={onPointerMove}
      />
    );
  });
}

const KEYS: Record<string, readonly [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
