// The candidates of a class over the picture, what the head says of the chosen one, and what becomes of it.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import {
  areKept,
  type BoxHead,
  candidateCounts,
  classCandidates,
  opinionsOf,
  proposalsOf,
} from '../logic/box_head';
import { type Box, boxAt } from '../logic/boxes';
import { iouOf, nmsFilm } from '../logic/nms_film';
import { toPicture } from '../logic/resize';
import type { Run } from '../run';
import { Select, Slider } from './controls';
import { OpinionTable } from './opinion_table';
import { type OverlayBox, PictureOverlay } from './picture_overlay';
import './regions.css';

const STAYS = '#3fd0b3';
const GOES = '#ff7a6b';

export function BoxHeadView({ run, head }: { run: Run; head: BoxHead }) {
  const { config, classes } = run.info;
  const counts = useMemo(() => candidateCounts(head), [head]);
  const label = useSignal(counts.indexOf(Math.max(...counts)));
  const [ownScore, ownIou] = [config.boxScoreThresh, config.boxNmsThresh];
  const least = useSignal(ownScore);
  const threshold = useSignal(ownIou);
  const chosen = useSignal(0);
  const group = useMemo(
    () => classCandidates(head, label.value, least.value, config.inclusiveBoxes),
    [head, label.value, least.value],
  );
  const proposals = useMemo(() => proposalsOf(head, label.value), [head, label.value]);
  const { frames, by } = useMemo(() => nmsFilm(group, threshold.value), [group, threshold.value]);
  const shown = proposals.map((_, i) => i).filter(group.isBox);
  if (Math.max(...counts) === 0) {
    return <p class="card">No proposal has a class above the score {ownScore}: choose another picture.</p>;
  }
  const at = Math.min(chosen.value, shown.length - 1);
  const pictureBox = (i: number) => toPicture(run.info, boxAt(group.boxes, i));
  const proposal = toPicture(run.info, boxAt(head.proposals.data, proposals[at] ?? 0));
  const boxes: OverlayBox[] = shown.length
    ? [
        ...shown.map((i) => ({
          box: pictureBox(i),
          colour: by[i] === -1 ? STAYS : GOES,
          dashed: by[i] !== -1,
          strong: i === at,
          key: i,
        })),
        { box: proposal, colour: '#fff', dashed: true, strong: true, label: 'proposal', key: 'proposal' },
      ]
    : [];
  const own = least.value === ownScore && threshold.value === ownIou;
  const same =
    own &&
    areKept(
      head,
      label.value,
      frames.map(({ keeper }) => keeper),
    );
  const winner = by[at]!;
  const detected = run.info.found.filter(({ classIndex }) => classIndex === label.value).length;
  return (
    <section class="stack">
      <div class="controls">
        {counts.filter((count) => count > 0).length > 1 && (
          <Select
            label="Class"
            options={counts.flatMap((count, i) =>
              count ? [[i, `${classes[i] ?? `class ${i}`} (${count})`] as const] : [],
            )}
            value={label.value}
            onChange={(next) => {
              label.value = next;
              chosen.value = 0;
            }}
          />
        )}
        <Slider
          label="Score at least"
          min={ownScore}
          max={1}
          step={0.01}
          value={least.value}
          text={`${least.value.toFixed(2)}${least.value === ownScore ? ", as the run's" : ''}`}
          onInput={(next) => (least.value = Math.abs(next - ownScore) < 0.005 ? ownScore : next)}
        />
        <Slider
          label="Suppressed above an IoU of"
          min={0.05}
          max={0.95}
          step={0.05}
          value={threshold.value}
          text={`${threshold.value.toFixed(2)}${threshold.value === ownIou ? ", as the run's" : ''}`}
          onInput={(next) => (threshold.value = Math.abs(next - ownIou) < 0.001 ? ownIou : next)}
        />
      </div>
      <PictureOverlay
        run={run}
        dim
        name={`The picture with ${shown.length} candidates, of which ${frames.length} stay`}
        boxes={boxes}
        arrows={shown.length ? [{ from: corner(proposal), to: corner(pictureBox(at)), colour: '#fff' }] : []}
      />
      <p role="status" data-film={`${frames.length} ${shown.length}`}>
        Of {shown.length} candidates <b>{frames.length}</b> stay{same ? ', the very ones of the run.' : '.'}{' '}
        {same && frames.length > detected && `The best ${detected} of them are detections: the run hands on `}
        {same && frames.length > detected && `${config.boxDetectionsPerImg} at most, of all classes.`}
      </p>
      {shown.length > 0 && (
        <>
          <Slider
            label="Candidate"
            min={1}
            max={shown.length}
            value={at + 1}
            text={`${at + 1} of ${shown.length}, by score`}
            onInput={(next) => (chosen.value = next - 1)}
          />
          <p>
            {winner === -1
              ? 'It stays.'
              : `Candidate ${winner + 1} suppresses it: their IoU is ${iouOf(group, winner, at).toFixed(3)}.`}
          </p>
          <OpinionTable
            caption={`What the head says of proposal ${proposals[at]}`}
            opinions={opinionsOf(head, proposals[at]!)}
            classes={classes}
            chosen={label.value}
          />
        </>
      )}
    </section>
  );
}

const corner = ([x1, y1]: Box): [number, number] => [x1, y1];
