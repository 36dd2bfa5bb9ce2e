// From an anchor to a box by its four deltas, in numbers: side by side, axis by axis.

import { parenthesised, short } from '../logic/numbers';
import { type Deltas, isScore, type RegionBox, type RpnTables, sigmoid } from '../logic/rpn';
import { Scroll } from './scroll';

interface DeltasTableProps {
  anchor: RegionBox;
  deltas: Deltas;
  box: RegionBox;
  logit: number;
  /** Among the level's best; -1 beyond. */
  rank: number;
  tables: RpnTables;
  level: number;
  /** Whether x2 and y2 are a box's last pixels. */
  inclusive: boolean;
}

export function DeltasTable(props: DeltasTableProps) {
  const { anchor, deltas, box, logit, rank, tables, level, inclusive } = props;
  const [x1, y1, x2, y2] = anchor;
  const last = inclusive ? 1 : 0;
  const [w, h] = [x2 - x1 + last, y2 - y1 + last];
  const [cx, cy] = [x1 + w / 2, y1 + h / 2];
  const [bw, bh] = [box[2] - box[0] + last, box[3] - box[1] + last];
  const [dx, dy, dw, dh] = deltas;
  const rows = [
    ['centre x', cx, dx, `${short(cx)} + ${parenthesised(dx)} · ${short(w)}`, box[0] + bw / 2],
    ['centre y', cy, dy, `${short(cy)} + ${parenthesised(dy)} · ${short(h)}`, box[1] + bh / 2],
    ['width', w, dw, `${short(w)} · exp(${short(dw)})`, bw],
    ['height', h, dh, `${short(h)} · exp(${short(dh)})`, bh],
  ] as const;
  return (
    <Scroll name="Deltas">
      <table>
        <caption>
          Logit {short(logit)}, objectness {sigmoid(logit).toFixed(4)}. {fate(rank, tables, level)}
        </caption>
        <thead>
          <tr>
            <th scope="col">px of the resized picture</th>
            <th scope="col" class="number">
              Anchor
            </th>
            <th scope="col" class="number">
              Delta
            </th>
            <th scope="col" class="number">
              Sum
            </th>
            <th scope="col" class="number">
              Box
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of, delta, sum, result]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{short(of)}</td>
              <td class="number">{short(delta)}</td>
              <td class="number">{sum}</td>
              <td class="number">{short(result)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What became of the anchor in the run. */
function fate(rank: number, { indices, boxes, scores, kept }: RpnTables, level: number): string {
  const capacity = indices.shape[1]!;
  if (rank < 0) return `Not among the best ${capacity.toLocaleString('en')} of its level.`;
  const at = level * capacity + rank;
  const place = `№ ${rank} of its level's best`;
  if (!isScore(scores.data[at]!)) return `${place}; too small once clipped.`;
  const box = [...boxes.data.subarray(4 * at, 4 * at + 4)].map((side) => side.toFixed(1)).join(', ');
  return `${place}; clipped: ${box}; ${isScore(kept.data[at]!) ? 'not suppressed' : 'suppressed'}.`;
}
