// One object's way through the mask head: a map of every layer, the masks of all classes, and the pasted one.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import type { NodeInfo } from '../../engine/explore_run';
import { classMask, firstMask, pasteable, sameplace } from '../logic/mask_head';
import { liveliest } from '../logic/rows';
import { channelOf, type Slice } from '../logic/slices';
import type { Run } from '../run';
import { ClassMasks } from './class_masks';
import { Slider } from './controls';
import { type Cell, HeatMap } from './heat_map';
import { MaskDifference } from './mask_difference';
import './regions.css';

interface MaskHeadViewProps {
  run: Run;
  index: number;
  // [1, M, M, K]
  logits: HostTensor;
  /** In the picture, [1, 4]. */
  box: HostTensor;
  /** The layers, each with its output for this object. */
  steps: readonly { node: NodeInfo; tensor: HostTensor }[];
}

export function MaskHeadView({ run, index, logits, box, steps }: MaskHeadViewProps) {
  const object = run.info.found[index]!;
  const first = firstMask(run.info);
  const label = useSignal(object.classIndex);
  const threshold = useSignal(0.5);
  const place = useSignal<{ cell: Cell; of: Slice } | undefined>(undefined);
  const probabilities = useMemo(() => classMask(logits, label.value - first), [logits, label.value]);
  const mask = useMemo(() => pasteable(probabilities, box, run.info), [probabilities, box]);
  const region = mask.region(threshold.value);
  const pixels = region.data.reduce((sum, pixel) => sum + pixel, 0);
  const maps = steps.map(({ node, tensor }, i) => {
    const last = i === steps.length - 1;
    const channel = last ? label.value - first : liveliest(tensor);
    const slice = channelOf(tensor, channel);
    const name = node.label.replace(/^roi_heads\.(mask_predictor\.)?/, '');
    return { name, slice, channel, scale: last ? ('diverging' as const) : ('viridis' as const) };
  });
  const linked = (slice: Slice) => ({
    cell: place.value && sameplace(place.value.cell, place.value.of, slice),
    onCell: (cell: Cell | undefined) => {
      place.value = cell && { cell, of: slice };
    },
  });
  const name = run.info.classes[label.value] ?? `class ${label.value}`;
  return (
    <div class="stack">
      <h2>Layer by layer</h2>
      <ol class="strip">
        {maps.map(({ name: title, slice, channel, scale }) => (
          <li key={title}>
            <HeatMap slice={slice} name={title} scale={scale} legend={false} {...linked(slice)} />
            <p class="small">
              {title}
              <span class="faint">
                {' '}
                {slice.height} × {slice.width}, channel {channel}
              </span>
            </p>
          </li>
        ))}
      </ol>
      <div class="pair">
        <figure>
          <HeatMap
            slice={probabilities}
            name={`Probability of ${name}, cell by cell`}
            scale="viridis"
            range={[0, 1]}
            {...linked(probabilities)}
          />
          <figcaption>The sigmoid of the channel of {name}</figcaption>
        </figure>
        <figure>
          <MaskDifference run={run} box={object.box} first={region} name={`The mask of ${name}, pasted`} />
          <figcaption data-pixels={pixels}>
            <b>{pixels.toLocaleString('en')} pixels</b> of the picture have more than{' '}
            {threshold.value.toFixed(2)}
          </figcaption>
        </figure>
      </div>
      <Slider
        label="A pixel is the object's above"
        min={0.05}
        max={0.95}
        step={0.05}
        value={threshold.value}
        text={threshold.value.toFixed(2)}
        onInput={(next) => (threshold.value = Math.round(100 * next) / 100)}
      />
      <ClassMasks
        logits={logits}
        first={first}
        classes={run.info.classes}
        own={object.classIndex}
        value={label.value}
        onChange={(next) => (label.value = next)}
      />
    </div>
  );
}
