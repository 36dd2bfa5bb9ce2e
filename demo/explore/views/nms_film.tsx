// Non-maximum suppression of a level as a film: who stays, and whom it suppresses. Boxes, scores and what stayed at
// the run's own threshold are the run's.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { iouOf, nmsFilm } from '../logic/nms_film';
import { toPicture } from '../logic/resize';
import { type RpnTables, sigmoid } from '../logic/rpn';
import { agrees, candidatesOf } from '../logic/suppression';
import type { Run } from '../run';
import { Slider } from './controls';
import { type OverlayBox, PictureOverlay } from './picture_overlay';
import { usePlayer } from './use_player';

const STAYS = '#3fd0b3';
const GOES = '#ff7a6b';
const WAITS = '#ffffff50';
const STEP_MS = 350;
/** Boxes of a kind that are drawn, the best first: more hide the picture. */
const DRAWN = 100;
/** Rows of the list of victims. */
const LISTED = 12;

export function NmsFilm({ run, tables, level }: { run: Run; tables: RpnTables; level: number }) {
  const own = run.info.config.rpnNmsThresh;
  const threshold = useSignal(own);
  const step = useSignal(0);
  const group = useMemo(() => candidatesOf(run.info.config, tables, level), [tables, level]);
  const film = useMemo(() => nmsFilm(group, threshold.value), [group, threshold.value]);
  const { frames, by } = film;
  const at = Math.min(step.value, Math.max(0, frames.length - 1));
  const player = usePlayer(() => {
    step.value = Math.min(at + 1, frames.length - 1);
    return at + 1 < frames.length - 1;
  }, STEP_MS);
  const frame = frames[at];
  if (!frame) return <p>This level has no boxes.</p>;
  const { keeper, victims } = frame;
  const boxOf = (i: number) => toPicture(run.info, group.boxes.slice(4 * i, 4 * i + 4));
  const score = (i: number) => sigmoid(tables.scores.data[level * group.count + i]!);
  const stayed = frames.slice(0, at).map(({ keeper }) => keeper);
  // those that nobody up to now has suppressed
  const waiting = range(group.count).filter(
    (i) => i > keeper && group.isBox(i) && (by[i] === -1 || by[i]! > keeper),
  );
  const gone = victims.slice(0, DRAWN);
  const boxes: OverlayBox[] = [
    ...waiting.slice(0, DRAWN).map((i) => ({ box: boxOf(i), colour: WAITS, key: i })),
    ...stayed.slice(-DRAWN).map((i) => ({ box: boxOf(i), colour: STAYS, key: i })),
    ...gone.map((i) => ({ box: boxOf(i), colour: GOES, dashed: true, key: i })),
    {
      box: boxOf(keeper),
      colour: STAYS,
      strong: true,
      fill: 0.25,
      label: score(keeper).toFixed(2),
      key: keeper,
    },
  ];
  const total = range(group.count).filter(group.isBox).length;
  return (
    <div class="stack">
      <div class="controls">
        <Slider
          label="Suppressed above an IoU of"
          min={0.05}
          max={0.95}
          step={0.05}
          value={threshold.value}
          text={`${threshold.value.toFixed(2)}${threshold.value === own ? ", as the run's" : ''}`}
          onInput={(next) => {
            threshold.value = Math.abs(next - own) < 0.001 ? own : next;
          }}
        />
        <Slider
          label="Step"
          min={0}
          max={frames.length - 1}
          value={at}
          text={`${at + 1} of ${frames.length}`}
          onInput={(next) => {
            player.stop();
            step.value = next;
          }}
        />
        <button type="button" aria-pressed={player.playing} onClick={player.toggle}>
          {player.playing ? 'Pause' : 'Play'}
        </button>
      </div>
      <div class="film">
        <PictureOverlay
          run={run}
          dim
          name={`The picture at step ${at + 1}: ${stayed.length + 1} boxes stay, ${victims.length} are suppressed by the last`}
          boxes={boxes}
          arrows={gone.map((i) => ({
            from: centreOf(boxOf(i)),
            to: centreOf(boxOf(keeper)),
            colour: GOES,
          }))}
        />
        <div>
          <p data-film={`${frames.length} ${total}`}>
            Of {total.toLocaleString('en')} boxes <b>{frames.length.toLocaleString('en')}</b> stay at this
            threshold
            {threshold.value === own &&
              (agrees(film.frames, tables, level) ? ', the very ones of the run.' : '; the run kept others.')}
            {threshold.value !== own && '.'}
          </p>
          <p>
            Box {keeper}, score {score(keeper).toFixed(4)}, stays
            {victims.length === 0 ? ' and suppresses none.' : ` and suppresses ${victims.length}:`}
          </p>
          {victims.length > 0 && (
            <table>
              <thead>
                <tr>
                  <th scope="col">Box</th>
                  <th scope="col" class="number">
                    Score
                  </th>
                  <th scope="col" class="number">
                    IoU with box {keeper}
                  </th>
                </tr>
              </thead>
              <tbody>
                {victims.slice(0, LISTED).map((i) => (
                  <tr key={i}>
                    <td>{i}</td>
                    <td class="number">{score(i).toFixed(4)}</td>
                    <td class="number">{iouOf(group, keeper, i).toFixed(3)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {victims.length > LISTED && <p class="faint small">and {victims.length - LISTED} more</p>}
          <p class="faint small">
            {DRAWN} boxes of a kind are drawn at most: white those that wait, green those that stay, red those
            that this one suppresses.
          </p>
        </div>
      </div>
    </div>
  );
}

function centreOf([x1, y1, x2, y2]: OverlayBox['box']): [number, number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
