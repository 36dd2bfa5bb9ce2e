// The flame chart: one run of the model from left to right, a box for every node under the boxes of the layers and
// modules that it belongs to. Arrow keys go from box to box, Enter widens one, Escape goes back.

import * as Plot from '@observablehq/plot';
import { OTHER } from './colours';
import { type Frame, framesOf } from './frames';
import type { ModelProfile } from './report';
import { digits, short } from './text';

const ROW = 26;
const LETTER = 6.6; // pixels, about

function drawFrames(
  frames: readonly Frame[],
  colours: ReadonlyMap<string, string>,
  width: number,
  shown: Frame,
  chosen: Frame | undefined,
): ReturnType<typeof Plot.plot> {
  const depths = Math.max(...frames.map(({ depth }) => depth)) + 1;
  const scale = (width - 18) / (shown.end - shown.begin || 1);
  const within = frames.filter(({ begin, end }) => end > shown.begin && begin < shown.end);
  const visible = within.filter(({ begin, end }) => (end - begin) * scale > 0.4);
  const box = { x1: 'begin', x2: 'end', y1: 'depth', y2: ({ depth }: Frame) => depth + 1 } as const;
  const fill = {
    value: ({ kernel }: Frame) => (kernel ? colours.get(kernel) : 'var(--line)'),
    scale: null,
  };
  return Plot.plot({
    width,
    height: depths * ROW + 42,
    marginLeft: 4,
    marginRight: 14,
    marginTop: 2,
    marginBottom: 40,
    className: 'plot',
    x: { domain: [shown.begin, shown.end], label: 'ms', labelOffset: 34, tickFormat: short },
    y: { domain: [depths, 0], axis: null },
    marks: [
      Plot.rect(visible, { ...box, fill, inset: 0.5, rx: 2, clip: true }),
      Plot.text(visible, {
        x: ({ begin, end }: Frame) => (Math.max(begin, shown.begin) + Math.min(end, shown.end)) / 2,
        y: ({ depth }: Frame) => depth + 0.5,
        text: (frame: Frame) =>
          fitting(
            nameOf(frame),
            (Math.min(frame.end, shown.end) - Math.max(frame.begin, shown.begin)) * scale,
          ),
        fill: { value: ({ kernel }: Frame) => (kernel ? 'var(--on-kernel)' : 'currentColor'), scale: null },
      }),
      Plot.rect(chosen ? [chosen] : [], {
        ...box,
        fill: 'none',
        stroke: 'currentColor',
        strokeWidth: 2.5,
        clip: true,
      }),
      // for the pointer alone; what it is over stands below the chart
      Plot.rect(visible, Plot.pointer({ ...box, fill: 'none', stroke: 'currentColor', strokeOpacity: 0.5 })),
    ],
  });
}

/** The kernel's name where the node's own is but a number. */
function nameOf({ name, kernel }: Frame): string {
  return kernel && /^\d+$/.test(name) ? kernel : name;
}

/** The kernels of the run that have a colour of their own, and «others». */
function legendOf(profile: ModelProfile, colours: ReadonlyMap<string, string>): Node {
  const used = new Set(profile.nodes.map(({ kernel }) => kernel));
  const own = [...colours].filter(([kernel, colour]) => used.has(kernel) && colour !== OTHER);
  const entries = used.size > own.length ? [...own, ['others', OTHER] as const] : own;
  return Plot.legend({
    color: { type: 'categorical', domain: entries.map(([name]) => name), range: entries.map(([, c]) => c) },
    className: 'legend',
  });
}

function fitting(text: string, pixels: number): string {
  const letters = Math.floor((pixels - 8) / LETTER);
  if (letters >= text.length) return text;
  return letters > 2 ? `${text.slice(0, letters - 1)}…` : '';
}

/** The chart in `place`, its words in `caption`. Returns what draws it anew, for a new width. */
export function flameChart(
  place: HTMLElement,
  caption: HTMLElement,
  profile: ModelProfile,
  colours: ReadonlyMap<string, string>,
): () => void {
  const frames = framesOf(profile);
  const whole = frames[0]!;
  const legend = legendOf(profile, colours);
  let shown = whole;
  let chosen: Frame | undefined;
  const say = (frame: Frame | undefined): void => {
    caption.textContent = frame
      ? words(frame, whole)
      : `${profile.picture}: ${profile.nodes.length} nodes, ${digits(whole.end)} ms of GPU time. Point at a box, or use the arrow keys; click or Enter widens it, Escape goes back.`;
  };
  const render = (): void => {
    const chart = drawFrames(frames, colours, Math.max(240, place.clientWidth), shown, chosen);
    chart.addEventListener('input', () => say((chart.value as Frame | null) ?? chosen));
    chart.addEventListener('click', () => {
      const at = chart.value as Frame | null;
      if (!at) return;
      chosen = at;
      show(at.kernel ? shown : at);
    });
    chart.setAttribute('aria-hidden', 'true'); // the caption says it in words
    place.replaceChildren(legend, chart);
    say(chosen);
  };
  const show = (frame: Frame): void => {
    shown = frame;
    render();
  };
  place.tabIndex = 0;
  place.onkeydown = (event) => {
    if (event.key === 'Escape') {
      show(whole);
    } else if (event.key === 'Enter' && chosen) {
      show(chosen);
    } else {
      const next = neighbour(frames, chosen, event.key);
      if (!next) return;
      chosen = next;
      if (next.begin < shown.begin || next.end > shown.end) shown = whole;
      render();
    }
    event.preventDefault();
  };
  render();
  return render;
}

/** Where an arrow key leads; undefined for other keys, and where there is nothing. */
function neighbour(frames: readonly Frame[], from: Frame | undefined, key: string): Frame | undefined {
  if (!from) return key.startsWith('Arrow') ? frames[0] : undefined;
  const at = frames.indexOf(from);
  const level = frames.filter(({ depth }) => depth === from.depth);
  const covers = ({ begin, end }: Frame): boolean => begin <= from.begin && end >= from.end;
  if (key === 'ArrowRight') return level[level.indexOf(from) + 1];
  if (key === 'ArrowLeft') return level[level.indexOf(from) - 1];
  if (key === 'ArrowUp')
    return frames.slice(0, at).findLast((frame) => frame.depth === from.depth - 1 && covers(frame));
  const below = frames[at + 1];
  return key === 'ArrowDown' && below?.depth === from.depth + 1 ? below : undefined;
}

function words({ path, kernel, begin, end, macs }: Frame, whole: Frame): string {
  const ms = end - begin;
  const share = `${digits((100 * ms) / whole.end)} %`;
  const rate = macs ? `, ${digits((2 * macs) / ms / 1e6)} GFLOP/s` : '';
  return `${path || 'the whole model'}${kernel ? `, ${kernel}` : ''}: ${digits(ms)} ms, ${share}${rate}`;
}
