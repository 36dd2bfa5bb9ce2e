// A level of the pyramid: lateral, what comes down, their sum and the output, side by side, at the same place; and the
// level above them all, which is only thinned out.

import { useMemo } from 'preact/hooks';
import { rangeOf, type ScaleName } from '../logic/colour_scale';
import { short } from '../logic/numbers';
import { blend, type PyramidStep, type ThinnedLevel, upsampled } from '../logic/pyramid';
import { channelOf, type Slice } from '../logic/slices';
import type { Run } from '../run';
import { place } from '../selection';
import { type Cell, HeatMap } from './heat_map';
import { cellAt, extentOf, placeOf } from './places';
import { useTensors } from './use_tensor';
import './pyramid_level.css';

interface PyramidLevelProps {
  run: Run;
  step: PyramidStep;
  channel: number;
  scale: ScaleName;
  /** How much of what comes down is in the sum that is shown: 0..1. */
  share: number;
}

export function PyramidLevel({ run, step, channel, scale, share }: PyramidLevelProps) {
  const { name, lateral, coarse, sum, output } = step;
  const labels = [lateral, ...(sum ? [sum] : []), output].map((node) => node.outputs[0]!.label);
  const tensors = useTensors(run, coarse ? [...labels, coarse] : labels);
  const slices = useMemo(() => tensors?.map((tensor) => channelOf(tensor, channel)), [tensors, channel]);
  const down = useMemo(() => {
    if (!coarse || !slices) return undefined;
    return upsampled(slices.at(-1)!, slices[0]!.height, slices[0]!.width);
  }, [slices]);
  if (!slices) return <p class="waiting faint">Fetching {name}</p>;
  const { height, width } = slices[0]!;
  const own = slices[0]!;
  const total = sum ? slices[1]! : own;
  const last = slices[sum ? 2 : 1]!;
  // one range for the three that are added, so that their colours can be compared
  const range = rangeOf([...rangeOf(own.data, scale), ...rangeOf(total.data, scale)], scale);
  const shown = down ? (share === 1 ? total : blend(own, down, share)) : own;
  const cell = cellAt({ height, width });
  const at = cell.y * width + cell.x;
  const choose = (next: Cell | undefined) => {
    if (next) place.value = placeOf(next, own);
  };
  const map = (title: string, what: string, slice: Slice, of = range) => (
    <div>
      <h3>{title}</h3>
      <HeatMap
        slice={slice}
        name={`${name}: ${what}`}
        scale={scale}
        range={of}
        extent={extentOf(run.info)}
        cell={cell}
        onCell={choose}
      />
    </div>
  );
  return (
    <section class="pyramid-level" aria-label={name}>
      <h2>
        {name}{' '}
        <span class="faint small">
          {height} × {width}
        </span>
      </h2>
      <div class="pyramid-maps">
        {map('lateral', 'lateral', own)}
        {down && map('+ from above', 'what comes down, upsampled', down)}
        {down && map('= sum', `lateral and ${Math.round(100 * share)} % of what comes down`, shown)}
        {map('3×3 → output', 'output', last, rangeOf(last.data, scale))}
      </div>
      <p class="sum-line" data-level={name}>
        Row {cell.y}, column {cell.x}: {short(own.data[at]!)}
        {down && (
          <>
            {' + '}
            {short(down.data[at]!)} = <b>{short(total.data[at]!)}</b>
          </>
        )}
        {'; output '}
        <b>{short(last.data[at]!)}</b>
      </p>
    </section>
  );
}

interface ThinnedProps {
  run: Run;
  level: ThinnedLevel;
  channel: number;
  scale: ScaleName;
}

/** The coarsest level, beside what it is taken from. */
export function ThinnedLevelView({ run, level, channel, scale }: ThinnedProps) {
  const { name, node, from, of, stride } = level;
  const tensors = useTensors(run, [from, node.outputs[0]!.label]);
  if (!tensors) return <p class="waiting faint">Fetching {name}</p>;
  const [whole, thinned] = tensors.map((tensor) => channelOf(tensor, channel)) as [Slice, Slice];
  const range = rangeOf(whole.data, scale);
  const cell = cellAt(thinned);
  const source = { y: stride * cell.y, x: stride * cell.x };
  const map = (title: string, what: string, slice: Slice, at: Cell) => (
    <div>
      <h3>{title}</h3>
      <HeatMap
        slice={slice}
        name={`${name}: ${what}`}
        scale={scale}
        range={range}
        extent={extentOf(run.info)}
        cell={at}
        onCell={(next) => {
          if (next) place.value = placeOf(next, slice);
        }}
      />
    </div>
  );
  return (
    <section class="pyramid-level" aria-label={name}>
      <h2>
        {name}{' '}
        <span class="faint small">
          {thinned.height} × {thinned.width}
        </span>
      </h2>
      <div class="pyramid-maps">
        {map(`output of ${of}`, `the output of ${of}`, whole, source)}
        {map(`every ${stride === 2 ? 'second' : `${stride}th`} cell → output`, 'output', thinned, cell)}
      </div>
      <p class="sum-line" data-level={name}>
        Row {cell.y}, column {cell.x}: row {source.y}, column {source.x} of {of},{' '}
        {short(numberOf(whole, source))}; output <b>{short(numberOf(thinned, cell))}</b>
      </p>
    </section>
  );
}

function numberOf({ data, width }: Slice, { y, x }: Cell): number {
  return data[y * width + x]!;
}
