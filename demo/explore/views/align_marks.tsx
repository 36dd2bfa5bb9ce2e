// What ROIAlign and ROI Pool do to a box, drawn in feature cells over a map: bins, sampling points, cells.

import type { Box } from '../logic/boxes';
import { type AlignBin, type AlignOptions, alignBin, type MapSize } from '../logic/roi_align';
import { type Cells, poolBin, roundedBox } from '../logic/roi_pool';
import type { Cell } from './heat_map';

interface MarksProps {
  /** In resized pixels. */
  box: Box;
  map: MapSize;
  options: AlignOptions;
  /** The chosen bin. */
  bin: Cell;
}

const all = (bins: number) =>
  Array.from({ length: bins * bins }, (_, i) => ({ y: Math.floor(i / bins), x: i % bins }));

/** All bins with their points, and of the chosen one the cells that each point reads, as large as their weights. */
export function AlignMarks({ box, map, options, bin }: MarksProps) {
  const chosen = alignBin(box, map, options, bin.y, bin.x);
  return (
    <>
      {all(options.bins).map(({ y, x }) => {
        const each = alignBin(box, map, options, y, x);
        return (
          <g key={`${y} ${x}`}>
            <Rectangle area={each.area} kind="bin" />
            {each.samples.map((point) => (
              <circle key={`${point.y} ${point.x}`} class="sample" cx={point.x} cy={point.y} r={0.04} />
            ))}
          </g>
        );
      })}
      {weightsOf(chosen).map(({ y, x, weight }) => (
        <rect
          key={`${y} ${x}`}
          class="tap"
          x={x - 0.5}
          y={y - 0.5}
          width={1}
          height={1}
          fill-opacity={0.75 * weight}
        />
      ))}
      <Rectangle area={chosen.area} kind="chosen" />
      {chosen.samples.map((point) => (
        <circle key={`${point.y} ${point.x}`} class="point" cx={point.x} cy={point.y} r={0.09} />
      ))}
    </>
  );
}

/** The box rounded to cells, all bins, and the cells of the chosen one; where its largest value is. */
export function PoolMarks({ box, map, options, bin, largest }: MarksProps & { largest: Cell | undefined }) {
  const chosen = poolBin(box, map, options.bins, bin.y, bin.x);
  return (
    <>
      {all(options.bins).map(({ y, x }) => (
        <Rectangle key={`${y} ${x}`} area={squares(poolBin(box, map, options.bins, y, x))} kind="bin" />
      ))}
      <Rectangle area={squares(roundedBox(box, map))} kind="rounded" />
      <Rectangle area={squares(chosen)} kind="chosen" />
      {largest && <circle class="point" cx={largest.x} cy={largest.y} r={0.14} />}
    </>
  );
}

/** The box as it is, for comparison with what becomes of it. */
export function BoxMark({ box: [x1, y1, x2, y2] }: { box: Box }) {
  return <rect class="region" x={x1} y={y1} width={x2 - x1} height={y2 - y1} />;
}

function Rectangle({ area: [x1, y1, x2, y2], kind }: { area: Box; kind: string }) {
  if (x2 <= x1 || y2 <= y1) return null;
  return <rect class={kind} x={x1} y={y1} width={x2 - x1} height={y2 - y1} />;
}

/** Cells as squares around their middles. */
function squares([x1, y1, x2, y2]: Cells): Box {
  return [x1 - 0.5, y1 - 0.5, x2 - 0.5, y2 - 0.5];
}

/** What each cell counts in a bin's mean. */
function weightsOf({ samples }: AlignBin): { y: number; x: number; weight: number }[] {
  const cells = new Map<string, { y: number; x: number; weight: number }>();
  for (const { taps, inside } of samples) {
    for (const { y, x, weight } of inside ? taps : []) {
      const known = cells.get(`${y} ${x}`)?.weight ?? 0;
      cells.set(`${y} ${x}`, { y, x, weight: known + weight / samples.length });
    }
  }
  return [...cells.values()];
}
