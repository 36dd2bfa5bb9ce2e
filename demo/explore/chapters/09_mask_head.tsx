// Chapter 9: the mask head: from 14 x 14 bins to a mask of every class, and the chosen one in the picture.

import type { Chapter } from '../chapter';
import { maskLogits, maskNodes, PASTED_BOXES } from '../logic/mask_head';
import type { Run } from '../run';
import { selectedObject } from '../selected_object';
import { Cite } from '../views/cite';
import { MaskHeadView } from '../views/mask_head_view';
import { ObjectPicker } from '../views/object_picker';
import { useTensors } from '../views/use_tensor';

function Text() {
  return (
    <>
      <p>
        The detections' boxes are pooled once more, in most models finer, and pass a small fully convolutional
        network: some convolutions, a transposed one that doubles the side, and one with a channel for each
        class (<Cite who="He et al." year={2017} id="1703.06870" />, section 3). Unlike the box head's layers,
        these keep the layout: a bin's place in the mask is its place in the box.
      </p>
      <p>
        Every class gets a mask of its own, through a sigmoid and not a softmax, so that classes do not
        compete. Which one counts was decided by the box head: the paper finds this decoupling worth 5.5
        points of mask AP against a softmax.
      </p>
      <p>
        That mask is stretched over the box and cut at a threshold, 0.5 unless one says otherwise. Point at
        any of the maps: all others show the same place. Move the threshold and count the pixels.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const index = Math.min(selectedObject.value, run.info.found.length - 1);
  const nodes = maskNodes(run.info);
  const labels = nodes.map(({ outputs }) => outputs[0]!.label);
  const tensors = useTensors(run, [maskLogits(run.info)!, PASTED_BOXES, ...labels], index);
  return (
    <section class="stack">
      <ObjectPicker run={run} value={index} onChange={(next) => (selectedObject.value = next)} />
      {tensors && (
        <MaskHeadView
          key={index}
          run={run}
          index={index}
          logits={tensors[0]!}
          box={tensors[1]!}
          steps={nodes.map((node, i) => ({ node, tensor: tensors[i + 2]! }))}
        />
      )}
    </section>
  );
}

export const chapter: Chapter = {
  Text,
  View,
  lack: (info) => {
    if (!maskLogits(info)) return 'This model has no mask head: it is a Faster R-CNN.';
    return info.found.length ? undefined : 'The run has found nothing in this picture: choose another one.';
  },
};
