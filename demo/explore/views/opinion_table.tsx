// The head's answers about one proposal: the best classes with logit, score and deltas.

import type { ClassOpinion } from '../logic/box_head';
import { short } from '../logic/numbers';
import { Scroll } from './scroll';

const LISTED = 6;

interface OpinionTableProps {
  caption: string;
  /** Best first. */
  opinions: readonly ClassOpinion[];
  classes: readonly string[];
  chosen: number;
}

export function OpinionTable({ caption, opinions, classes, chosen }: OpinionTableProps) {
  const best = opinions.slice(0, LISTED);
  const own = opinions.find(({ label }) => label === chosen)!;
  const rows = best.includes(own) ? best : [...best, own];
  return (
    <Scroll name="What the head says">
      <table class="opinions">
        <caption>
          {caption}
          {opinions.length > rows.length && `: the best ${rows.length} of ${opinions.length} classes`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            {['Logit', 'Score', 'dx', 'dy', 'dw', 'dh'].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, logit, score, deltas }) => (
            <tr key={label} class={label === chosen ? 'chosen' : ''}>
              <th scope="row">{label === 0 ? 'background' : (classes[label] ?? `class ${label}`)}</th>
              <td class="number" data-value={logit}>
                {short(logit)}
              </td>
              <td class="number" data-value={score}>
                {score.toFixed(4)}
              </td>
              {['dx', 'dy', 'dw', 'dh'].map((name, k) => (
                <td key={name} class="number" data-value={deltas[k]}>
                  {deltas[k] === undefined ? '' : short(deltas[k])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
