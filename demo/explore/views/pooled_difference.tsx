// What ROIAlign and ROI Pool hand on of one region, and how the two differ: in one channel as maps, over all in figures.

import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { rangeOf } from '../logic/colour_scale';
import { percent, short } from '../logic/numbers';
import { channelOf, type Slice } from '../logic/slices';
import { type Cell, HeatMap } from './heat_map';

interface PooledDifferenceProps {
  /** The run's own, and what ROI Pool makes of the same region: [1, P, P, C]. */
  align: HostTensor;
  pool: HostTensor;
  channel: number;
  bin: Cell;
  onBin: (bin: Cell) => void;
}

export function PooledDifference({ align, pool, channel, bin, onBin }: PooledDifferenceProps) {
  const figures = useMemo(() => compare(align.data, pool.data), [align, pool]);
  const [aligned, pooled] = [channelOf(align, channel), channelOf(pool, channel)];
  const difference: Slice = { ...pooled, data: pooled.data.map((value, i) => value - aligned.data[i]!) };
  const range = rangeOf([...aligned.data, ...pooled.data], 'viridis');
  const maps = [
    ['What ROIAlign hands on, from the run', aligned, 'viridis', range],
    ['What ROI Pool would', pooled, 'viridis', range],
    ['ROI Pool less ROIAlign', difference, 'diverging', undefined],
  ] as const;
  return (
    <section class="stack" aria-label="The pooled features">
      <h2>The pooled features</h2>
      <div class="pair trio">
        {maps.map(([name, slice, scale, own]) => (
          <figure key={name}>
            <HeatMap
              slice={slice}
              name={name}
              scale={scale}
              range={own}
              cell={bin}
              onCell={(next) => {
                if (next) onBin(next);
              }}
            />
            <figcaption>{name}</figcaption>
          </figure>
        ))}
      </div>
      <p data-difference={`${figures.mean} ${figures.most}`}>
        Over all {align.shape[3]} channels of this region the two differ by {short(figures.mean)} on average,
        which is {percent(figures.mean / figures.size)} of the mean size of ROIAlign's numbers, and by{' '}
        {short(figures.most)} at most.
      </p>
    </section>
  );
}

/** The mean and greatest absolute difference, and the mean absolute value of `a`. */
function compare(a: ArrayLike<number>, b: ArrayLike<number>): { mean: number; most: number; size: number } {
  let [sum, most, size] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    sum += difference;
    size += Math.abs(a[i]!);
    most = Math.max(most, difference);
  }
  return { mean: sum / a.length, most, size: size / a.length };
}
