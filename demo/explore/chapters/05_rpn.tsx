// Chapter 5: the region proposal network. Anchors and objectness, boxes from deltas, the best k, suppression.

import { useSignal } from '@preact/signals';
import type { Chapter } from '../chapter';
import { levelCounts, RPN_TABLES, rpnLevels, tablesOf } from '../logic/rpn';
import type { Run } from '../run';
import { AnchorsView } from '../views/anchors_view';
import { Cite } from '../views/cite';
import { Choices } from '../views/controls';
import { NmsFilm } from '../views/nms_film';
import { Scroll } from '../views/scroll';
import { TopAnchors } from '../views/top_anchors';
import { useTensors } from '../views/use_tensor';

function Text() {
  return (
    <>
      <p>
        Where might objects be? At every cell of every level stand a few <b>anchors</b>: boxes of fixed size
        and shape (
        <Cite who="Ren et al." year={2015} id="1506.01497" />, section 3.1). A small network, the same for all
        levels, gives each anchor an <b>objectness</b> and four <b>deltas</b>, which move its centre, in units
        of its sides, and stretch its sides, by powers of e.
      </p>
      <p>
        The best anchors of each level become boxes, clipped to the picture. Neighbouring anchors mostly find
        the same object. <b>Non-maximum suppression</b> takes the best box, drops all that overlap it by more
        than a threshold (as intersection over union), takes the best that is left, and so on. Levels do not
        compete; the best of what all of them keep are the proposals.
      </p>
      <p>
        Point at the heat map. Then play the film, or move its threshold: with a low one close neighbours are
        lost, with a high one copies stay. At the run's own threshold the film ends as the GPU did.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const level = useSignal(0);
  const tensors = useTensors(run, Object.values(RPN_TABLES));
  if (!tensors) return <p class="waiting faint">Fetching anchors and proposals</p>;
  const levels = rpnLevels(run.info);
  const tables = tablesOf(tensors);
  const counts = levelCounts(levels, tables);
  const at = Math.min(level.value, levels.length - 1);
  return (
    <section class="stack">
      <Choices
        label="Level"
        options={levels.map(({ name }, i) => [i, name])}
        value={at}
        onChange={(next) => {
          level.value = next;
        }}
      />
      <h2>Anchors, objectness, deltas</h2>
      <AnchorsView key={`anchors ${at}`} run={run} levels={levels} level={at} tables={tables} />
      <h2>From anchors to proposals</h2>
      <Scroll name="Counts">
        <table>
          <caption>How many each step leaves</caption>
          <thead>
            <tr>
              {['Level', 'Anchors', 'Best k', 'Large enough', 'Not suppressed', 'Proposals'].map(
                (title, i) => (
                  <th key={title} scope="col" class={i ? 'number' : ''}>
                    {title}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {counts.map((count, i) => (
              <tr key={levels[i]!.name} class={i === at ? 'chosen' : ''}>
                <th scope="row">{levels[i]!.name}</th>
                {Object.entries(count).map(([step, left]) => (
                  <td key={step} class="number" data-step={step}>
                    {left.toLocaleString('en')}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <h2>The best k</h2>
      <TopAnchors
        key={`top ${at}`}
        run={run}
        tables={tables}
        level={at}
        of={levels[at]!}
        count={counts[at]!.top}
      />
      <h2>Non-maximum suppression, step by step</h2>
      <NmsFilm key={`film ${at}`} run={run} tables={tables} level={at} />
    </section>
  );
}

export const chapter: Chapter = { Text, View, wide: true };
