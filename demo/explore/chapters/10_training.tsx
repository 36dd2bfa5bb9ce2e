// Chapter 10: training: what each part would be told about this picture, and the joint loss of its answers.

import type { RunInfo } from '../../engine/explore_run';
import type { Chapter } from '../chapter';
import { maskLogits } from '../logic/mask_head';
import { ANCHOR_RULE, PROPOSAL_RULE } from '../logic/matcher';
import { percent } from '../logic/numbers';
import { RPN_TABLES, rpnLevels, tablesOf } from '../logic/rpn';
import { ANCHORS, PROPOSALS } from '../logic/training';
import type { Run } from '../run';
import { Cite } from '../views/cite';
import { TrainingView } from '../views/training_view';
import { useTensors } from '../views/use_tensor';

function Text({ info }: { info: RunInfo | undefined }) {
  return (
    <>
      <p>
        In training people have drawn every object's box and mask: the truth. Here there is none, so the run's
        own sure detections stand in for it. Their losses are small, as the network agrees with itself; move
        the truth aside, and see which losses rise. Too far, nothing matches, and of boxes and masks nothing
        is asked.
      </p>
      <p>
        An anchor with an IoU of {ANCHOR_RULE.high} with a truth, or the best that a truth has, is matched to
        it; below {ANCHOR_RULE.low} it is background; between the two it is ignored (
        <Cite who="Ren et al." year={2015} id="1506.01497" />
        ). Of all anchors {ANCHORS.most} are drawn, at most {percent(ANCHORS.share)} of them matched.
        Proposals are matched from {PROPOSAL_RULE.high} on; {PROPOSALS.most} are drawn, at most{' '}
        {percent(PROPOSALS.share)} of them matched.
      </p>
      <p>
        The loss is a plain sum, L<sub>cls</sub> + L<sub>box</sub> + L<sub>mask</sub> (
        <Cite who="He et al." year={2017} id="1703.06870" />
        ), after the RPN's two. Two things differ from training: there, truths are proposals too, and the mask
        head sees the matched proposals; here it has seen the detections, so the mask loss is theirs.{' '}
        {info &&
          !info.config.architecture.startsWith('torchvision') &&
          'The rules and losses are torchvision’s; this model’s publisher has trained it by slightly others.'}
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
  lack: ({ nodes, found }) => {
    if (!nodes.some(({ label }) => label === 'roi_heads.box_predictor.bbox_pred'))
      return 'This model has no box head.';
    return found.length
      ? undefined
      : 'The run has found nothing that could stand in for the truth: choose another picture.';
  },
};
