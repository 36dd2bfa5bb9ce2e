// What a cell sees of the picture: its receptive field, where its map lies over the picture; or the region that it
// belongs to, and its place there.

import type { NodeInfo } from '../../engine/explore_run';
import { boxAt } from '../logic/boxes';
import { short } from '../logic/numbers';
import { type Field, receptiveField } from '../logic/receptive_field';
import { type Box, pictureArea, toPicture } from '../logic/resize';
import type { Run } from '../run';
import type { Cell } from './heat_map';
import { PictureOverlay } from './picture_overlay';
import { extentOf } from './places';
import { useTensor } from './use_tensor';

interface CellFieldProps {
  run: Run;
  node: NodeInfo;
  cell: Cell;
  /** Which region, where the node is of the heads. */
  region: number;
  /** Rows and columns of a region's map; a single one where it has no layout any more. */
  sides: { readonly height: number; readonly width: number };
}

/** Nothing where the node's numbers have no place in the picture. */
export function CellField({ run, node, cell, region, sides }: CellFieldProps) {
  const boxes = useTensor(run, boxesOf(node));
  const field = receptiveField(run.info.nodes, node.label, cell.y, cell.x);
  if (field) return <FieldView run={run} field={field} />;
  if (!boxes) return null;
  const box = toPicture(run.info, boxAt(boxes.data, region));
  return <RegionView run={run} box={box} part={partOf(box, cell, sides)} region={region} />;
}

/** The label of the boxes whose regions a node of the heads has computed. */
function boxesOf({ rows, inputs }: NodeInfo): string | undefined {
  const count = rows && inputs.find(({ name }) => name === 'count')?.label;
  return count?.replace(/count$/, 'detections');
}

function FieldView({ run, field: { area, size, stride } }: { run: Run; field: Field }) {
  const { info } = run;
  const box = area && pictureArea(info, area);
  const seen = box && `${short(box[2] - box[0])} × ${short(box[3] - box[1])} of its pixels`;
  return (
    <div>
      <h2>What this cell sees</h2>
      <PictureOverlay
        run={run}
        name={`The picture, framed what the cell sees: ${seen ?? 'nothing but padding'}`}
        boxes={box ? [{ box, strong: true, fill: 0.15 }] : []}
      />
      <p class="faint small" data-field={box?.join(' ')}>
        Receptive field: {size.width} × {size.height} px of the network's input, {stride.x} px further for
        each cell; {seen ? `of your picture ${seen}.` : 'here only padding.'}{' '}
        {extentOf(info) && 'Beyond the dashed line on the map lies padding.'}
      </p>
    </div>
  );
}

/** The part of a region that a cell of its map stands for. */
function partOf(
  [x1, y1, x2, y2]: Box,
  { y, x }: Cell,
  { height, width }: { height: number; width: number },
): Box {
  const [w, h] = [(x2 - x1) / width, (y2 - y1) / height];
  return [x1 + x * w, y1 + y * h, x1 + (x + 1) * w, y1 + (y + 1) * h];
}

function RegionView({ run, box, part, region }: { run: Run; box: Box; part: Box; region: number }) {
  const whole = part.every((side, k) => Math.abs(side - box[k]!) < 1e-6);
  return (
    <div>
      <h2>Region {region} of the picture</h2>
      <PictureOverlay
        run={run}
        name={`The picture, framed region ${region}${whole ? '' : ', and the part of it that the cell stands for'}`}
        boxes={[{ box, strong: true }, ...(whole ? [] : [{ box: part, fill: 0.45 }])]}
      />
      <p class="faint small" data-field={part.map(short).join(' ')}>
        {whole ? 'These numbers are of the whole region.' : 'The cell stands for this part of the region.'} It
        has features from further around: all that the pooled cells of the pyramid have seen.
      </p>
    </div>
  );
}
