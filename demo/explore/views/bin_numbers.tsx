// The numbers behind one bin: ROIAlign's samples with their weights and cells, ROI Pool's cells, and what comes out.

import { short } from '../logic/numbers';
import { type AlignBin, alignValue, sampleValue } from '../logic/roi_align';
import type { Cells } from '../logic/roi_pool';
import { Scroll } from './scroll';

type Reader = (y: number, x: number) => number;

/** `computed`: the bin as the run's own tensor has it. */
export function AlignNumbers({ bin, at, computed }: { bin: AlignBin; at: Reader; computed: number }) {
  return (
    <Scroll name="Samples of ROIAlign">
      <table class="bin-numbers">
        <caption>
          ROIAlign: the mean of {bin.samples.length} samples is <b>{short(alignValue(bin, at))}</b>; the run's
          tensor has <b data-value={computed}>{short(computed)}</b>
        </caption>
        <thead>
          <tr>
            <th scope="col">Sample at x, y</th>
            <th scope="col">weight · cell, of four cells</th>
            <th scope="col" class="number">
              Sum
            </th>
          </tr>
        </thead>
        <tbody>
          {bin.samples.map((sample) => (
            <tr key={`${sample.y} ${sample.x}`}>
              <th scope="row">
                {sample.x.toFixed(2)}, {sample.y.toFixed(2)}
              </th>
              <td>
                {sample.inside
                  ? sample.taps
                      .map(({ y, x, weight }) => `${weight.toFixed(2)} · ${short(at(y, x))}`)
                      .join(' + ')
                  : 'outside the map: 0'}
              </td>
              <td class="number">{short(sampleValue(sample, at))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function PoolNumbers({ cells, at, value }: { cells: Cells; at: Reader; value: number | undefined }) {
  const [x1, y1, x2, y2] = cells;
  const count = Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const rows = Array.from({ length: Math.max(0, y2 - y1) }, (_, i) => y1 + i);
  return (
    <Scroll name="Cells of ROI Pool">
      <table class="bin-numbers">
        <caption>
          ROI Pool: the largest of {count} {count === 1 ? 'cell' : 'cells'} is{' '}
          <b data-value={value ?? 0}>{value === undefined ? '0, as there is none' : short(value)}</b>
        </caption>
        <tbody>
          {rows.map((y) => (
            <tr key={y}>
              <th scope="row">row {y}</th>
              <td>{Array.from({ length: x2 - x1 }, (_, i) => short(at(y, x1 + i))).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
