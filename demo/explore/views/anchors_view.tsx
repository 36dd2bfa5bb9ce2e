// Objectness of a level as a heat map; at the cell that is pointed at its anchors, and the box that the deltas make of
// one of them.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { short } from '../logic/numbers';
import { toPicture } from '../logic/resize';
import {
  anchorBox,
  type Deltas,
  decode,
  type RegionBox,
  type RpnLevel,
  type RpnTables,
  sigmoid,
} from '../logic/rpn';
import { channelOf, type Slice, valueAt } from '../logic/slices';
import type { Run } from '../run';
import { place } from '../selection';
import { cssColour } from './colours';
import { Choices } from './controls';
import { DeltasTable } from './deltas_table';
import { HeatMap } from './heat_map';
import { type OverlayBox, PictureOverlay } from './picture_overlay';
import { cellAt, extentOf, greatest, placeOf } from './places';
import { useTensors } from './use_tensor';
import './anchors_view.css';

interface AnchorsViewProps {
  run: Run;
  levels: readonly RpnLevel[];
  level: number;
  tables: RpnTables;
}

export function AnchorsView(props: AnchorsViewProps) {
  const { run, levels, level } = props;
  const own = levels[level]!;
  const tensors = useTensors(run, [own.objectness.outputs[0]!.label, own.deltas.outputs[0]!.label]);
  if (!tensors) return <p class="waiting faint">Fetching {own.name}</p>;
  return <Anchors {...props} objectness={tensors[0]!} deltas={tensors[1]!} />;
}

interface AnchorsProps extends AnchorsViewProps {
  objectness: HostTensor;
  deltas: HostTensor;
}

function Anchors({ run, levels, level, tables, objectness, deltas }: AnchorsProps) {
  /** An anchor, or -1: the best of each cell. */
  const of = useSignal(-1);
  const everywhere = useSignal(false);
  const { inclusiveBoxes } = run.info.config;
  const { name, anchors, height, width } = levels[level]!;
  const slice = useMemo(() => probabilities(objectness, anchors, of.value), [objectness, of.value]);
  const cell = place.value ? cellAt({ height, width }) : greatest(slice);
  const logits = range(anchors).map((a) => valueAt(objectness, cell.y, cell.x, a));
  const a = of.value >= 0 ? of.value : logits.indexOf(Math.max(...logits));
  const anchor = anchorBox(tables, level, cell.y, cell.x, a);
  const delta = range(4).map((k) => valueAt(deltas, cell.y, cell.x, 4 * a + k)) as unknown as Deltas;
  const box = decode(anchor, delta, run.info.config);
  const inPicture = (region: RegionBox) => toPicture(run.info, region);
  const others = everywhere.value ? levels.map((_, i) => i).filter((i) => i !== level) : [];
  const boxes: OverlayBox[] = [
    ...others.flatMap((i) => anchorsAt(tables, levels[i]!, i).map((each) => dashed(inPicture(each), i))),
    ...range(anchors).map((i) => ({
      ...dashed(inPicture(anchorBox(tables, level, cell.y, cell.x, i)), level),
      strong: i === a,
    })),
    { box: inPicture(box), strong: true, colour: '#fff', label: sigmoid(logits[a]!).toFixed(3), key: 'box' },
  ];
  return (
    <div class="stack">
      <div class="row">
        <Choices
          label="Objectness of"
          options={[
            [-1, 'the best anchor'],
            ...range(anchors).map((i) => [i, sidesOf(tables, level, i, inclusiveBoxes)] as const),
          ]}
          value={of.value}
          onChange={(next) => {
            of.value = next;
          }}
        />
        {levels.length > 1 && (
          <label>
            <input
              type="checkbox"
              checked={everywhere.value}
              onChange={({ currentTarget }) => {
                everywhere.value = currentTarget.checked;
              }}
            />{' '}
            anchors of every level
          </label>
        )}
      </div>
      <div class="anchors">
        <HeatMap
          slice={slice}
          name={`Objectness of ${name}`}
          scale="magma"
          range={[0, 1]}
          extent={extentOf(run.info)}
          cell={cell}
          format={(value) => value.toFixed(3)}
          onCell={(next) => {
            if (next) place.value = placeOf(next, slice);
          }}
        />
        <PictureOverlay
          run={run}
          name={`The picture with the anchors of row ${cell.y}, column ${cell.x} of ${name}, and the box of one`}
          boxes={boxes}
          arrows={[{ from: centreOf(inPicture(anchor)), to: centreOf(inPicture(box)), colour: '#fff' }]}
        />
      </div>
      <p data-objectness>
        {name}, row {cell.y}, column {cell.x}: {logits.map((logit) => sigmoid(logit).toFixed(3)).join(', ')}.
        Dashed: its {anchors} anchors. White: what the deltas make of{' '}
        {sidesOf(tables, level, a, inclusiveBoxes)}.
      </p>
      <DeltasTable
        anchor={anchor}
        deltas={delta}
        box={box}
        logit={logits[a]!}
        rank={rankOf(tables, level, (cell.y * width + cell.x) * anchors + a)}
        tables={tables}
        level={level}
        inclusive={inclusiveBoxes}
      />
    </div>
  );
}

/** Place of an anchor among the level's best; -1 where it is not among them. */
function rankOf({ indices }: RpnTables, level: number, anchor: number): number {
  const capacity = indices.shape[1]!;
  return indices.data.subarray(level * capacity, (level + 1) * capacity).indexOf(anchor);
}

/** Sigmoids of an anchor's logits, or of the greatest at each cell. */
function probabilities(objectness: HostTensor, anchors: number, of: number): Slice {
  const slices = (of >= 0 ? [of] : range(anchors)).map((a) => channelOf(objectness, a));
  const data = slices[0]!.data.map((_, i) => sigmoid(Math.max(...slices.map((slice) => slice.data[i]!))));
  return { ...slices[0]!, data };
}

/** The anchors of another level at the place that is pointed at. */
function anchorsAt(tables: RpnTables, level: RpnLevel, index: number): RegionBox[] {
  const { y, x } = cellAt(level);
  return range(level.anchors).map((a) => anchorBox(tables, index, y, x, a));
}

function dashed(box: OverlayBox['box'], level: number): OverlayBox {
  return { box, colour: cssColour(level), dashed: true };
}

/** An anchor by its sides: 91 × 45. */
function sidesOf({ cells }: RpnTables, level: number, a: number, inclusive: boolean): string {
  const [x1, y1, x2, y2] = cells.data.subarray(4 * (level * cells.shape[1]! + a)) as unknown as RegionBox;
  const last = inclusive ? 1 : 0;
  return `${short(x2 - x1 + last)} × ${short(y2 - y1 + last)} px`;
}

function centreOf([x1, y1, x2, y2]: OverlayBox['box']): [number, number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
