// Chapter 10: training: what each part would be told about this picture, and the joint loss of its answers.

import type { Chapter } from '../chapter';
import { maskLogits } from '../logic/mask_head';
import { RPN_TABLES, rpnLevels, tablesOf } from '../logic/rpn';
import type { Run } from '../run';
import { Cite } from '../views/cite';
import { TrainingView } from '../views/training_view';
import { useTensors } from '../views/use_tensor';

function Text() {
  return (
    <>
      <p>
        In training people have drawn every object's box and mask: the truth. Here there is none, so the run's
        own sure detections stand in for it. Their losses are small, as the network agrees with itself; move
        the truth aside, and see which losses rise. Too far, nothing matches, and of boxes and masks nothing
        is asked.
      </p>
      <p>
        An anchor with an IoU of 0.7 with a truth, or the best that a truth has, is matched to it; below 0.3
        it is background; between the two it is ignored (
        <Cite who="Ren et al." year={2015} id="1506.01497" />
        ). Of all anchors 256 are drawn, at most half of them matched. Proposals are matched from 0.5 on; 512
        are drawn, a quarter matched.
      </p>
      <p>
        The loss is a plain sum, L<sub>cls</sub> + L<sub>box</sub> + L<sub>mask</sub> (
        <Cite who="He et al." year={2017} id="1703.06870" />
        ), after the RPN's two. Two things differ from training: there, truths are proposals too, and the mask
        head sees the matched proposals; here it has seen the detections, so the mask loss is theirs.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const { info } = run;
  const levels = rpnLevels(info);
  const tables = Object.values(RPN_TABLES);
  const maps = [...levels.map(({ objectness }) => objectness), ...levels.map(({ deltas }) => deltas)];
  const logits = maskLogits(info);
  const heads = [
    'rpn.gather_detections.detections',
    'roi_heads.box_predictor.cls_score',
    'roi_heads.box_predictor.bbox_pred',
    'roi_heads.gather_detections.detections',
    ...(logits ? [logits] : []),
  ];
  const labels = [...tables, ...maps.map(({ outputs }) => outputs[0]!.label), ...heads];
  const tensors = useTensors(run, labels);
  if (!tensors) return null;
  const rest = tensors.slice(tables.length + maps.length);
  return (
    <TrainingView
      run={run}
      levels={levels}
      tables={tablesOf(tensors.slice(0, tables.length))}
      maps={tensors.slice(tables.length, tables.length + maps.length)}
      proposals={rest[0]!}
      classes={rest[1]!}
      regression={rest[2]!}
      detections={rest[3]!}
      masks={rest[4]}
    />
  );
}

export const chapter: Chapter = {
  Text,
  View,
  lack: ({ config, nodes }) => {
    const trainable = nodes.some(({ label }) => label === 'roi_heads.box_predictor.bbox_pred');
    return config.inclusiveBoxes || config.backgroundLast || !trainable
      ? 'This model was trained by other rules than torchvision’s: choose the nuclei, or a torchvision model of your own.'
      : undefined;
  },
};
