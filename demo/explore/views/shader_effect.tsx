// What a changed kernel changes: the picture before and after, and the numbers of the first node that it computes.

import { useSignal } from '@preact/signals';
import type { HostTensor } from '../../../src/index';
import type { ChangedRun } from '../../engine/changed_run';
import type { FoundObject } from '../../engine/explore_run';
import { rangeOf } from '../logic/colour_scale';
import { compareRuns } from '../logic/mask_pairs';
import { percent, short } from '../logic/numbers';
import { liveliest } from '../logic/rows';
import { channelOf, isMap } from '../logic/slices';
import type { Run } from '../run';
import { colourOf, cssColour } from './colours';
import { Slider } from './controls';
import { type Cell, HeatMap } from './heat_map';
import { PictureOverlay } from './picture_overlay';
import { useTensor } from './use_tensor';
import './regions.css';

export function ShaderEffect({ run, kernel, changed }: { run: Run; kernel: string; changed: ChangedRun }) {
  const least = useSignal(0.5);
  const sure = ({ score }: FoundObject) => score >= least.value;
  const [found, again] = [run.info.found.filter(sure), changed.found.filter(sure)];
  const { pairs, meanMaskIou } = compareRuns(found, again);

  const node = run.info.nodes.find((each) => each.kernel === kernel);
  const label = node?.outputs[0]?.label;
  const before = useTensor(run, label);
  const after = label === undefined ? undefined : changed.tensors[label];
  return (
    <section class="stack" aria-label="What has changed">
      <Slider
        label="Objects with a score of at least"
        min={run.info.config.boxScoreThresh}
        max={0.99}
        step={0.01}
        value={least.value}
        text={least.value.toFixed(2)}
        onInput={(next) => (least.value = next)}
      />
      <div class="pair">
        <Found run={run} title="As it was" objects={found} />
        <Found run={run} title="With your kernels" objects={again} />
      </div>
      <p role="status">
        {pairs} of the {found.length} objects are found again
        {meanMaskIou !== undefined && `, with a mean mask IoU of ${short(meanMaskIou)}`};{' '}
        {again.length - pairs} others are found.
      </p>
      {before && after && <Numbers label={label!} before={before} after={after} />}
    </section>
  );
}

function Found({ run, title, objects }: { run: Run; title: string; objects: readonly FoundObject[] }) {
  return (
    <figure>
      <PictureOverlay
        run={run}
        name={`${title}: ${objects.length} objects`}
        boxes={objects.map(({ box }, i) => ({ box, colour: cssColour(i), key: i }))}
        masks={objects.flatMap(({ mask }, i) => (mask ? [{ mask, colour: colourOf(i) }] : []))}
      />
      <figcaption data-found={objects.length}>
        {title}: {objects.length} {objects.length === 1 ? 'object' : 'objects'}
      </figcaption>
    </figure>
  );
}

function Numbers({ label, before, after }: { label: string; before: HostTensor; after: HostTensor }) {
  const map = isMap(before.shape) && before.shape[0] === 1;
  const channel = useSignal(map ? liveliest(before) : 0);
  const cell = useSignal<Cell | undefined>(undefined);
  let [different, largest] = [0, 0];
  before.data.forEach((value, i) => {
    const difference = Math.abs(after.data[i]! - value);
    if (difference > 0 || Number.isNaN(difference)) different++;
    if (difference > largest) largest = difference;
  });
  const slices = map ? [channelOf(before, channel.value), channelOf(after, channel.value)] : [];
  const range = rangeOf(
    slices.flatMap(({ data }) => [...data]),
    'viridis',
  );
  return (
    <section class="stack" aria-label={`The numbers of ${label}`}>
      <p data-different={different}>
        Of the {before.data.length.toLocaleString('en')} numbers of <code>{label}</code>,{' '}
        {different.toLocaleString('en')} ({percent(different / before.data.length)}) are different; the
        largest difference is {short(largest)}.
      </p>
      {map && (
        <>
          <Slider
            label="Channel"
            min={0}
            max={before.shape[3]! - 1}
            value={channel.value}
            text={`${channel.value} of ${before.shape[3]}`}
            onInput={(next) => (channel.value = next)}
          />
          <div class="pair">
            {slices.map((slice, i) => (
              <figure key={i ? 'after' : 'before'}>
                <HeatMap
                  slice={slice}
                  name={`${label}, channel ${channel.value}, ${i ? 'with your kernels' : 'as it was'}`}
                  scale="viridis"
                  range={range}
                  cell={cell.value}
                  onCell={(next) => (cell.value = next)}
                />
                <figcaption>{i ? 'With your kernels' : 'As it was'}</figcaption>
              </figure>
            ))}
          </div>
        </>
      )}
    </section>
  );
}
