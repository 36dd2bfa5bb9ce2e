// The benchmark's flame chart of this run: nodes under the modules that their labels name.

import { useEffect, useRef } from 'preact/hooks';
import { kernelColours } from '../../../bench/colours';
import { flameChart } from '../../../bench/flame_chart';
import type { ModelProfile } from '../../../bench/report';
import type { Run } from '../run';
import './charts.css';

export function Flame({ run }: { run: Run }) {
  const place = useRef<HTMLDivElement>(null);
  const caption = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const element = place.current!;
    const { nodes, runMs } = run.info;
    const timed = nodes.map(({ outputs, ...node }) => ({ ...node, shape: outputs[0]?.shape ?? [] }));
    const profile: ModelProfile = { picture: 'This run', runMs, nodes: timed };
    const colours = kernelColours({ results: [], profile });
    const render = flameChart(element, caption.current!, profile, colours);
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      render();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [run]);
  return (
    <figure class="flame">
      <div
        ref={place}
        role="application"
        aria-roledescription="flame chart"
        aria-label="Flame chart of the run; arrow keys go from node to node, Enter widens, Escape goes back"
      />
      <figcaption ref={caption} aria-live="polite" />
    </figure>
  );
}
