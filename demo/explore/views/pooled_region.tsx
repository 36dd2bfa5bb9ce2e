// A region as ROIAlign and as ROI Pool see it, side by side: the grids over the map, the numbers of a bin, and what
// comes out.

import type { Signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { type Box, boxAt, iouOf } from '../logic/boxes';
import { rangeOf } from '../logic/colour_scale';
import { short } from '../logic/numbers';
import { type Head, mapOf, type Pooling, type PoolingMap } from '../logic/pooling';
import { alignBin, scaled } from '../logic/roi_align';
import { poolBin, poolRegion, poolValue, roundedBox } from '../logic/roi_pool';
import { liveliest } from '../logic/rows';
import { channelOf, type Slice } from '../logic/slices';
import type { Run } from '../run';
import { AlignMarks, BoxMark, PoolMarks } from './align_marks';
import { AlignNumbers, PoolNumbers } from './bin_numbers';
import { Slider } from './controls';
import type { Cell } from './heat_map';
import { PooledDifference } from './pooled_difference';
import { RegionGrid, windowOf } from './region_grid';
import './regions.css';

/** One region of the run. */
export interface Region {
  /** In resized pixels. */
  readonly box: Box;
  readonly map: PoolingMap;
  /** The map's tensor, [1, H, W, C]. */
  readonly features: HostTensor;
  /** Among the pooled ones. */
  readonly row: number;
}

/** The region of object `index`: its own box for the mask head; for the box head the proposal that is nearest to it. */
export function regionOf(
  run: Run,
  pooling: Pooling,
  head: Head,
  [boxes, count, ...maps]: readonly HostTensor[],
  index: number,
): Region {
  const { picture, resized } = run.info;
  const rows = count!.data[0]!;
  let row = index;
  if (head === 'box') {
    const [sx, sy] = [resized.width / picture.width, resized.height / picture.height];
    const [x1, y1, x2, y2] = run.info.found[index]!.box;
    const own: Box = [x1 * sx, y1 * sy, x2 * sx, y2 * sy];
    const overlaps = Array.from({ length: rows }, (_, i) => iouOf(boxAt(boxes!.data, i), own));
    row = overlaps.indexOf(Math.max(...overlaps));
  }
  const box = boxAt(boxes!.data, row);
  const map = mapOf(pooling, box);
  return { box, map, features: maps[pooling.maps.indexOf(map)]!, row };
}

interface PooledRegionProps {
  pooling: Pooling;
  region: Region;
  head: Head;
  /** What the run has pooled: [1, P, P, C]. */
  pooled: HostTensor;
  looked: Signal<Looked>;
}

/** What is looked at; of a region that nobody has pointed at yet, its liveliest channel and its middle. */
export interface Looked {
  readonly channel?: number;
  readonly bin?: Cell;
}

export function PooledRegion({ pooling, region, head, pooled, looked }: PooledRegionProps) {
  const { box, map, features } = region;
  const { bins } = pooling;
  const middle = Math.floor(bins / 2);
  const { channel = liveliest(pooled), bin = { y: middle, x: middle } } = looked.value;
  const channels = features.shape[3]!;
  const slice = channelOf(features, channel);
  const at = (y: number, x: number) => slice.data[y * slice.width + x]!;
  const area = scaled(box, map.scale);
  const rounded = roundedBox(box, map);
  const window = windowOf(union(area, rounded), map);
  const range = rangeOf(cut(slice, window), 'viridis');
  const aligned = channelOf(pooled, channel);
  const all = useMemo(() => poolRegion(box, map, bins, features), [box, map, features]);
  const chosen = bin.y * bins + bin.x;
  const shared = { slice, window, scale: 'viridis', range, bins, bin, area } as const;
  const cells = poolBin(box, map, bins, bin.y, bin.x);
  const largest = poolValue(cells, at);
  const marks = { box, map, options: pooling, bin };
  const choose = (next: Cell | undefined) => {
    if (next) looked.value = { ...looked.value, bin: next };
  };
  const [width, height] = [area[2] - area[0], area[3] - area[1]];
  return (
    <div class="stack">
      <p class="answer" role="status">
        {head === 'box' ? 'The nearest proposal' : 'Its box'} is {short(box[2] - box[0])} ×{' '}
        {short(box[3] - box[1])} px of the resized picture, so it is pooled from {map.name} (stride{' '}
        {1 / map.scale}): <b>{`${width.toFixed(2)} × ${height.toFixed(2)} cells`}</b> become {bins} × {bins}{' '}
        bins.
      </p>
      <Slider
        label="Channel"
        min={0}
        max={channels - 1}
        value={channel}
        text={`${channel} of ${channels}`}
        onInput={(next) => (looked.value = { ...looked.value, channel: next })}
      />
      <div class="pair">
        <figure>
          <RegionGrid {...shared} name={`ROIAlign over ${map.name}`} onBin={choose}>
            <AlignMarks {...marks} />
            <BoxMark box={area} />
          </RegionGrid>
          <figcaption>ROIAlign: nothing is rounded; each point reads four cells.</figcaption>
        </figure>
        <figure>
          <RegionGrid {...shared} name={`ROI Pool over ${map.name}`} onBin={choose}>
            <PoolMarks {...marks} largest={largest} />
            <BoxMark box={area} />
          </RegionGrid>
          <figcaption>ROI Pool: box and bins are rounded to cells; the largest counts.</figcaption>
        </figure>
      </div>
      <AlignNumbers
        bin={alignBin(box, map, pooling, bin.y, bin.x)}
        at={at}
        computed={aligned.data[chosen]!}
      />
      <PoolNumbers cells={cells} at={at} value={largest?.value} />
      <PooledDifference
        align={pooled}
        pool={all}
        channel={channel}
        bin={bin}
        onBin={(next) => (looked.value = { ...looked.value, bin: next })}
      />
    </div>
  );
}

function union(a: Box, b: Box): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function* cut({ data, width }: Slice, [x1, y1, x2, y2]: Box): Generator<number> {
  for (let y = y1; y < y2; y++) yield* data.subarray(y * width + x1, y * width + x2);
}
