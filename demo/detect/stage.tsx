// The picture with what was found: drawn in the resolution of the screen; zoomed, panned, pointed at, by mouse,
// fingers or keys.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Instance, instanceAt, titleOf } from './instances';
import { LineHandles } from './line_handles';
import { paint } from './paint';
import { hovered, live, picture, selected, settings, visible } from './state';
import { useGestures } from './use_gestures';
import { fitted, panBy, type View, zoomAt } from './view';

const STEP = 1.25; // of a zoom by key or button
const PAN = 60; // stage pixels by key

export function Stage() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const moved = useSignal<View | undefined>(undefined); // undefined: fitted
  const shown = picture.value?.bitmap;
  const view = shown && (moved.value ?? fitted(shown, size.value));

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = canvas.current!;
      size.value = { width, height };
    });
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, [size]);

  const { width: pictureWidth, height: pictureHeight } = shown ?? {};
  useEffect(() => {
    moved.value = undefined; // a picture of another size is shown whole
  }, [pictureWidth, pictureHeight, moved]);

  useEffect(() => {
    if (!shown || !view || !canvas.current || size.value.width === 0) return;
    if (picture.peek()?.bitmap !== shown) return; // the next frame has come meanwhile, and this one is closed
    const density = window.devicePixelRatio;
    const { width, height } = size.value;
    const [across, down] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.current.width !== across || canvas.current.height !== down) {
      Object.assign(canvas.current, { width: across, height: down });
    }
    const scene = {
      bitmap: shown,
      instances: visible.value,
      layers: settings.value.layers,
      highlighted: hovered.value,
      selected: selected.value,
      line: live.value && settings.value.line,
    };
    paint(canvas.current.getContext('2d')!, scene, view, density);
  });

  const zoom = (factor: number, x = size.value.width / 2, y = size.value.height / 2) => {
    if (shown && view) moved.value = zoomAt(view, factor, x, y, shown, size.value);
  };
  const pan = (dx: number, dy: number) => {
    if (shown && view) moved.value = panBy(view, dx, dy, shown, size.value);
  };
  const at = (x: number, y: number) =>
    view &&
    instanceAt(
      visible.value,
      canvas.current!.getContext('2d')!,
      (x - view.x) / view.scale,
      (y - view.y) / view.scale,
    );
  const gestures = useGestures(canvas, {
    zoom,
    pan,
    point: (x, y) => {
      hovered.value = x === undefined ? undefined : at(x, y!)?.id;
    },
    press: (x, y) => toggle(at(x, y)),
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) pan(-PAN * arrow[0], -PAN * arrow[1]);
    else if (arrow) walk(arrow[0] + arrow[1]);
    else if (event.key === '+' || event.key === '=') zoom(STEP);
    else if (event.key === '-') zoom(1 / STEP);
    else if (event.key === '0') moved.value = undefined;
    else if (event.key === 'Escape') selected.value = new Set();
    else if (event.key === 'Enter' || event.key === ' ') {
      toggle(visible.value.find(({ id }) => id === hovered.value));
    } else return;
    event.preventDefault();
  };

  const chosen = visible.value.find(({ id }) => id === hovered.value);
  return (
    <figure class="figure">
      <div class="stage" style={shown && { aspectRatio: `${shown.width} / ${shown.height}` }}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: keys go through what was found */}
        <canvas
          ref={canvas}
          id="canvas"
          tabIndex={0}
          role="application"
          aria-label={label()}
          aria-describedby="stage-keys pointed"
          onKeyDown={onKeyDown}
          onBlur={() => {
            hovered.value = undefined;
          }}
          {...gestures}
        />
        {live.value && settings.value.line && view && shown && <LineHandles view={view} picture={shown} />}
        <fieldset class="zoom" aria-label="Zoom">
          <output id="magnification" aria-label="Magnification">
            {view ? `${Math.round(100 * view.scale)} %` : ''}
          </output>
          <button type="button" aria-label="Larger" onClick={() => zoom(STEP)}>
            +
          </button>
          <button type="button" aria-label="Smaller" onClick={() => zoom(1 / STEP)}>
            −
          </button>
          <button type="button" aria-label="Whole picture" onClick={() => (moved.value = undefined)}>
            ⤢
          </button>
        </fieldset>
      </div>
      <figcaption class="small faint">
        <span id="pointed" aria-live="polite">
          {chosen ? describe(chosen) : ''}
        </span>
        <span id="stage-keys" hidden={chosen !== undefined}>
          Arrow keys go through what was found, Enter selects; + and − zoom, with Shift the arrows pan.
        </span>
      </figcaption>
    </figure>
  );
}

const ARROWS: Record<string, readonly [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** To the next instance, or the one before. */
function walk(step: number): void {
  const shown = visible.value;
  if (shown.length === 0) return;
  const from = shown.findIndex(({ id }) => id === hovered.value);
  const to = from < 0 ? (step > 0 ? 0 : -1) : (from + step) % shown.length;
  hovered.value = shown.at(to)!.id;
}

export function toggle(instance: Instance | undefined): void {
  if (!instance) {
    selected.value = new Set();
    return;
  }
  const next = new Set(selected.value);
  if (!next.delete(instance.id)) next.add(instance.id);
  selected.value = next;
}

function label(): string {
  if (!picture.value) return 'No picture yet';
  const { name } = picture.value;
  return `${name}: ${visible.value.length === 1 ? '1 object' : `${visible.value.length} objects`} shown`;
}

function describe(instance: Instance): string {
  const { detection, found } = instance;
  const area = found ? `, ${found.area} px` : '';
  return `${titleOf(instance)}, score ${detection.score.toFixed(2)}${area}`;
}
