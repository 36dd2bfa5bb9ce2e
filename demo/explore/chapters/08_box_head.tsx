// Chapter 8: the box head: classes and boxes of the proposals, and the last non-maximum suppression.

import type { Chapter } from '../chapter';
import { boxHeadLabels, boxHeadOf } from '../logic/box_head';
import type { Run } from '../run';
import { BoxHeadView } from '../views/box_head_view';
import { Cite } from '../views/cite';
import { useTensors } from '../views/use_tensor';

function Text() {
  return (
    <>
      <p>
        Each proposal's bins go through the box head, two fully connected layers in most models (
        <Cite who="Girshick" year={2015} id="1504.08083" />
        ). It ends in two answers. <b>What is it?</b> A logit for each class and the background; their softmax
        is the score. <b>Where exactly?</b> Four deltas for each class, which move and stretch the proposal:
        the centre by dx/10 and dy/10 of its sides, the sides by exp(dw/5) and exp(dh/5).
      </p>
      <p>
        Several proposals find the same object, so that in each class boxes which overlap a better one too
        much are suppressed. The best of what is left over all classes are the detections.
      </p>
      <p>
        Choose a candidate: dashed is the proposal, solid the box that became of it. Move the thresholds: too
        high an IoU leaves doubles, too low a one suppresses neighbours. At the run's own thresholds exactly
        its detections stay.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const tensors = useTensors(run, boxHeadLabels(run.info));
  return tensors ? <BoxHeadView run={run} head={boxHeadOf(run.info, tensors)} /> : null;
}

export const chapter: Chapter = {
  Text,
  View,
  lack: ({ nodes }) =>
    nodes.some(({ label }) => label === 'roi_heads.sort_candidates')
      ? undefined
      : 'This model has no box head.',
};
