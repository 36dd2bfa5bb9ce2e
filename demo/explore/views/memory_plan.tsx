// The plan of buffers as a chart: time to the right, bytes downwards. What is pointed at is named below.

import * as Plot from '@observablehq/plot';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { MemoryPlan } from '../../engine/explore_run';
import { type TenantBox, tenantBoxes } from '../logic/memory_chart';
import { compact } from '../logic/numbers';
import type { Run } from '../run';
import { Slider } from './controls';

export function MemoryChart({ run, plan }: { run: Run; plan: MemoryPlan }) {
  const place = useRef<HTMLDivElement>(null);
  const pointed = useSignal<TenantBox | undefined>(undefined);
  const chosen = useSignal<TenantBox | undefined>(undefined);
  const { nodes } = run.info;
  const name = (index: number) => nodes[index]?.label ?? 'the end of the run';
  const boxes = useMemo(() => tenantBoxes(plan), [plan]);
  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      const chart = chartOf(boxes, element.clientWidth, nodes.length, chosen.value);
      chart.addEventListener('input', () => {
        pointed.value = chart.value as TenantBox | undefined;
      });
      chart.setAttribute('aria-hidden', 'true'); // the table says it in words
      element.replaceChildren(chart);
    };
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [plan, chosen.value]);
  const box = pointed.value;
  return (
    <figure class="memory">
      <div
        ref={place}
        role="img"
        aria-label={`${plan.tenants.length} tensors in ${plan.bufferBytes.length} buffers over ${nodes.length} nodes`}
      />
      <Slider
        label="Tensor"
        min={0}
        max={boxes.length}
        value={box ? boxes.indexOf(box) + 1 : 0}
        text={box ? box.label : 'none chosen'}
        onInput={(next) => {
          chosen.value = boxes[next - 1];
          pointed.value = chosen.value;
        }}
      />
      <figcaption aria-live="polite">
        {box
          ? `${box.label}: ${compact(box.bytes)}B in buffer ${box.buffer}, from ${name(box.x1)} to ${name(box.x2 - 1)}`
          : 'Each box is a tensor: from the node that writes it to the last that reads it. Point at one, or choose it.'}
      </figcaption>
    </figure>
  );
}

function chartOf(boxes: readonly TenantBox[], width: number, nodes: number, chosen: TenantBox | undefined) {
  const box = { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2' } as const;
  const colours = [1, 2, 3, 4, 5, 6].map((rank) => `var(--kernel-${rank})`);
  const fill = { value: (_: TenantBox, i: number) => colours[i % colours.length], scale: null };
  return Plot.plot({
    width: Math.max(240, width),
    height: 320,
    marginLeft: 52,
    marginBottom: 36,
    className: 'plot',
    x: { domain: [0, nodes + 1], label: 'node' },
    y: { reverse: true, label: 'bytes', tickFormat: (bytes: number) => `${compact(bytes)}B` },
    marks: [
      Plot.rect(boxes, { ...box, fill, inset: 0.5 }),
      Plot.rect(chosen ? [chosen] : [], { ...box, fill: 'none', stroke: 'currentColor', strokeWidth: 2.5 }),
      Plot.rect(boxes, Plot.pointer({ ...box, fill: 'none', stroke: 'currentColor', strokeWidth: 2 })),
    ],
  });
}
