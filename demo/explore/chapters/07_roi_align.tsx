// Chapter 7: ROIAlign against ROI Pool, on the same box of the same map, and on the final masks.

import { useSignal } from '@preact/signals';
import type { RunInfo } from '../../engine/explore_run';
import type { Chapter } from '../chapter';
import { HEADS, type Head, poolingOf } from '../logic/pooling';
import type { Run } from '../run';
import { selectedObject } from '../selected_object';
import { Cite } from '../views/cite';
import { Choices } from '../views/controls';
import { ObjectPicker } from '../views/object_picker';
import { type Looked, PooledRegion, regionOf } from '../views/pooled_region';
import { PoolingComparison } from '../views/pooling_comparison';
import { useTensors } from '../views/use_tensor';

function Text({ info }: { info: RunInfo | undefined }) {
  const bins = (head: Head, name: string) => {
    const side = info && poolingOf(info, head)?.bins;
    return side ? [`${side} × ${side} bins for the ${name} head`] : [];
  };
  const shapes = [...bins('box', 'box'), ...bins('mask', 'mask')];
  return (
    <>
      <p>
        The heads want every region in the same shape{shapes.length > 0 && `: ${shapes.join(', ')}`}. But
        boxes do not end where cells of the feature map do.
      </p>
      <p>
        <b>ROI Pool</b> (<Cite who="Girshick" year={2015} id="1504.08083" />) rounds: the box to whole cells,
        then each bin to whole cells, and takes the largest value. On a map of stride 16, rounding moves a box
        by up to 8 pixels. A class is not sensitive to that; a mask, pixel by pixel, is.
      </p>
      <p>
        <b>ROIAlign</b> (<Cite who="He et al." year={2017} id="1703.06870" />, section 3) rounds nothing. It
        reads the map at regularly spaced points in each bin, each point interpolated from the four cells
        around it, and takes their mean.
      </p>
      <p>
        Point at a bin in either grid: the cells that it reads light up, and their numbers stand below. Then
        run the whole network again with ROI Pool. It was not trained with it, so the difference is not what a
        network that was trained so would show, but where the pixels go, it does show.
      </p>
    </>
  );
}

const OPTIONS: readonly [Head, string][] = [
  ['box', 'Box head'],
  ['mask', 'Mask head'],
];

function View({ run }: { run: Run }) {
  const heads = OPTIONS.filter(([head]) => poolingOf(run.info, head));
  const head = useSignal<Head>(heads.at(-1)![0]);
  const looked = useSignal<Looked>({});
  const pooling = poolingOf(run.info, head.value)!;
  const tensors = useTensors(run, [pooling.boxes, pooling.count, ...pooling.maps.map(({ label }) => label)]);
  const index = Math.min(selectedObject.value, run.info.found.length - 1);
  const object = run.info.found[index];
  const region = tensors && object && regionOf(run, pooling, head.value, tensors, index);
  const pooled = useTensors(run, region ? [pooling.pooled] : [], region?.row ?? 0)?.[0];
  return (
    <section class="stack">
      <ObjectPicker
        run={run}
        value={index}
        onChange={(next) => (selectedObject.value = next)}
        others={region && head.value === 'box' ? [{ box: region.box, dashed: true, colour: '#fff' }] : []}
      />
      {heads.length > 1 && (
        <Choices
          label="Pooled for the"
          options={heads}
          value={head.value}
          onChange={(next) => {
            head.value = next;
            looked.value = {}; // the heads' bins are not the same
          }}
        />
      )}
      {region && pooled && (
        <PooledRegion pooling={pooling} region={region} head={head.value} pooled={pooled} looked={looked} />
      )}
      {object && <PoolingComparison run={run} index={index} />}
    </section>
  );
}

export const chapter: Chapter = {
  Text,
  View,
  lack: ({ nodes, config, found }) => {
    if (found.length === 0) return 'The run has found nothing in this picture: choose another one.';
    if (config.roiPooling === 'pool') return 'This model pools by ROI Pool already.';
    return nodes.some(({ label }) => label === HEADS.box) ? undefined : 'This model pools no regions.';
  },
};
