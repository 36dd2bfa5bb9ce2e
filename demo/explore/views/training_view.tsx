// What anchors and proposals are to learn from the truth, over the picture; and the losses.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { columnsOf } from '../logic/box_head';
import { type Box, boxAt } from '../logic/boxes';
import { BACKGROUND, IGNORED } from '../logic/matcher';
import { toPicture } from '../logic/resize';
import type { RpnLevel, RpnTables } from '../logic/rpn';
import { anchorLesson, anchorsOf, type Lesson, maskLesson, proposalLesson, seeded } from '../logic/training';
import type { Run } from '../run';
import { Choices, Slider } from './controls';
import { LossTable } from './loss_table';
import { MaskTargets } from './mask_targets';
import { type OverlayBox, PictureOverlay } from './picture_overlay';
import './regions.css';

interface TrainingViewProps {
  run: Run;
  levels: readonly RpnLevel[];
  tables: RpnTables;
  /** Objectness of all levels, then deltas of all levels. */
  maps: readonly HostTensor[];
  proposals: HostTensor;
  classes: HostTensor;
  regression: HostTensor;
  detections: HostTensor;
  masks: HostTensor | undefined;
}

type Learner = 'anchors' | 'proposals';
const LEARNERS: readonly [Learner, string][] = [
  ['anchors', 'Anchors'],
  ['proposals', 'Proposals'],
];
const MATCHED = '#3fd0b3';
const REFUSED = '#ff7a6b';
const LEFT_OUT = '#ffd166';
/** Boxes of a kind that are drawn, at most: more hide the picture. */
const DRAWN = 80;

export function TrainingView(props: TrainingViewProps) {
  const { run, levels, tables, maps, proposals, classes, regression, detections, masks } = props;
  const { info } = run;
  const least = useSignal(0.7);
  const shift = useSignal(0);
  const seed = useSignal(1);
  const learner = useSignal<Learner>('anchors');
  const anchors = useMemo(() => anchorsOf(levels, tables, maps), [maps]);
  const rows = tables.count.data[0]!;
  const regions = {
    boxes: (proposals.data as Float32Array).subarray(0, 4 * rows),
    logits: classes.data,
    deltas: regression.data,
  };
  const head = {
    columns: columnsOf(info),
    classCount: classes.shape[1]!,
    boxCount: regression.shape[1]! / 4,
  };
  const truths = useMemo(() => {
    const objects = info.found.flatMap(({ score }, i) => (score >= least.value ? [i] : []));
    const boxes = objects.map((i): Box => {
      const [x1, y1, x2, y2] = boxAt(detections.data, i);
      return [x1 + shift.value, y1, x2 + shift.value, y2];
    });
    const labels = objects.map((i) => info.found[i]!.classIndex);
    return { boxes, labels, objects, shift: shift.value, last: info.config.inclusiveBoxes ? 1 : 0 };
  }, [run, least.value, shift.value]);
  const lessons = useMemo(
    () => ({
      anchors: anchorLesson(anchors, truths, seeded(seed.value)),
      proposals: proposalLesson(regions, truths, head, seeded(seed.value)),
    }),
    [anchors, truths, seed.value],
  );
  const lessonOfMasks = useMemo(() => {
    const found = (detections.data as Float32Array).subarray(0, 4 * info.found.length);
    return masks && maskLesson(info, found, masks, truths);
  }, [masks, truths]);
  const lesson = lessons[learner.value];
  const boxes = learner.value === 'anchors' ? anchors.boxes : regions.boxes;
  const counts = countsOf(lesson);
  return (
    <section class="stack">
      <div class="controls">
        <Slider
          label="Truth: detections with a score of at least"
          min={info.config.boxScoreThresh}
          max={0.99}
          step={0.01}
          value={least.value}
          text={`${least.value.toFixed(2)}: ${truths.boxes.length}`}
          onInput={(next) => (least.value = next)}
        />
        <Slider
          label="Move the truth to the right, px"
          min={-32}
          max={32}
          value={shift.value}
          onInput={(next) => (shift.value = next)}
        />
      </div>
      <div class="row">
        <Choices
          label="Who learns"
          options={LEARNERS}
          value={learner.value}
          onChange={(next) => (learner.value = next)}
        />
        <button type="button" onClick={() => seed.value++}>
          Draw others
        </button>
      </div>
      <PictureOverlay
        run={run}
        dim
        name={`The picture with ${truths.boxes.length} truths, and the ${learner.value} that are drawn to learn from`}
        boxes={overlays(run, lesson, boxes, truths.boxes)}
      />
      <p data-counts={`${counts.matched} ${counts.ignored} ${counts.background}`}>
        Of {lesson.targets.length.toLocaleString('en')} {learner.value}{' '}
        <b style={{ color: 'var(--accent)' }}>{counts.matched.toLocaleString('en')} are matched</b>,{' '}
        {counts.ignored.toLocaleString('en')} ignored, and {counts.background.toLocaleString('en')}{' '}
        background. Drawn: {lesson.positive.length} matched (green) and {lesson.negative.length} of the
        background (red);
        {counts.ignored > 0 && ' yellow are ignored ones;'} white is the truth. {DRAWN} of a kind are shown at
        most.
      </p>
      <LossTable anchors={lessons.anchors} proposals={lessons.proposals} mask={lessonOfMasks?.loss} />
      {lessonOfMasks && <MaskTargets run={run} lesson={lessonOfMasks} truths={truths} />}
    </section>
  );
}

function countsOf({ targets }: Lesson) {
  let [ignored, background] = [0, 0];
  for (const target of targets) {
    if (target === IGNORED) ignored++;
    else if (target === BACKGROUND) background++;
  }
  return { matched: targets.length - ignored - background, ignored, background };
}

/** All, or as many as are drawn, from all over the picture and its levels. */
function some(items: readonly number[]): readonly number[] {
  if (items.length <= DRAWN) return items;
  return Array.from({ length: DRAWN }, (_, i) => items[Math.floor((i * items.length) / DRAWN)]!);
}

function overlays(run: Run, lesson: Lesson, boxes: Float32Array, truths: readonly Box[]): OverlayBox[] {
  const ignored = [...lesson.targets.keys()].filter((i) => lesson.targets[i] === IGNORED);
  const row = (kind: string, colour: string) => (i: number) => ({
    box: toPicture(run.info, boxAt(boxes, i)),
    colour,
    key: `${kind} ${i}`,
  });
  return [
    ...some(lesson.negative).map(row('background', `${REFUSED}70`)),
    ...some(ignored).map(row('ignored', `${LEFT_OUT}90`)),
    ...some(lesson.positive).map(row('matched', MATCHED)),
    ...truths.map((box, i) => ({
      box: toPicture(run.info, box),
      colour: '#fff',
      strong: true,
      key: `truth ${i}`,
    })),
  ];
}
