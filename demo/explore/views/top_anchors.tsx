// The best k of a level: which of all its anchors go on, and the boxes that their deltas make of them.

import { useSignal } from '@preact/signals';
import { interpolateMagma } from 'd3-scale-chromatic';
import { boxAt } from '../logic/boxes';
import { short } from '../logic/numbers';
import { toPicture } from '../logic/resize';
import { anchorBox, isScore, type RpnLevel, type RpnTables, sigmoid } from '../logic/rpn';
import type { Run } from '../run';
import { Choices, Slider } from './controls';
import { PictureOverlay } from './picture_overlay';

interface TopAnchorsProps {
  run: Run;
  tables: RpnTables;
  level: number;
  of: RpnLevel;
  /** How many the level hands on. */
  count: number;
}

type Kind = 'anchors' | 'boxes';
const KINDS: readonly [Kind, string][] = [
  ['anchors', 'anchors'],
  ['boxes', 'boxes, by their deltas'],
];
/** Drawn at first. */
const FEW = 50;

export function TopAnchors({ run, tables, level, of, count }: TopAnchorsProps) {
  const kind = useSignal<Kind>('anchors');
  const shown = useSignal(Math.min(FEW, count));
  const capacity = tables.top.shape[1]!;
  const first = level * capacity;
  const anchor = (rank: number) => {
    const index = tables.indices.data[first + rank]!;
    const cell = Math.floor(index / of.anchors);
    return anchorBox(tables, level, Math.floor(cell / of.width), cell % of.width, index % of.anchors);
  };
  const box = (rank: number) =>
    kind.value === 'anchors' ? anchor(rank) : boxAt(tables.boxes.data, first + rank);
  const score = (rank: number) => sigmoid(tables.top.data[first + rank]!);
  const ranks = Array.from({ length: shown.value }, (_, rank) => rank).filter(
    (rank) => kind.value === 'anchors' || isScore(tables.scores.data[first + rank]!),
  );
  const last = Math.max(0, shown.value - 1);
  const total = of.height * of.width * of.anchors;
  if (count === 0) return <p>This level has no anchors.</p>;
  return (
    <div class="film">
      <PictureOverlay
        run={run}
        dim
        name={`The picture with the best ${shown.value} ${kind.value} of ${of.name}`}
        boxes={ranks
          .map((rank) => ({
            box: toPicture(run.info, box(rank)),
            colour: interpolateMagma(0.35 + 0.65 * score(rank)),
            key: rank,
          }))
          .reverse()}
      />
      <div class="stack">
        <Choices label="Show" options={KINDS} value={kind.value} onChange={(next) => (kind.value = next)} />
        <Slider
          label="k, by objectness"
          min={1}
          max={count}
          value={shown.value}
          text={`${shown.value.toLocaleString('en')} of ${count.toLocaleString('en')}`}
          onInput={(next) => (shown.value = next)}
        />
        <p data-top={`${tables.indices.data[first + last]} ${tables.top.data[first + last]}`}>
          {of.name} has {total.toLocaleString('en')} anchors; the best {count.toLocaleString('en')} go on. №{' '}
          {last} is anchor {tables.indices.data[first + last]!.toLocaleString('en')}, with logit{' '}
          {short(tables.top.data[first + last]!)} and objectness {score(last).toFixed(4)}. The brighter, the
          likelier an object.
        </p>
      </div>
    </div>
  );
}
