// A node's numbers that are no maps, as features, scores, boxes: rows and columns, the number that is pointed at, the
// region that its row is of, and where it comes from.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { ScaleName } from '../logic/colour_scale';
import { short } from '../logic/numbers';
import { numberAt, tableOf } from '../logic/tables';
import { CellField } from './cell_field';
import { CellSum } from './cell_sum';
import { ScaleChoices, Select, Slider } from './controls';
import { type Cell, HeatMap } from './heat_map';
import type { InspectorProps } from './map_inspector';

/** Rows that are shown at once. */
const PAGE = 64;
/** Width over height, whatever the number of rows and columns. */
const [HIGHEST, WIDEST] = [1.2, 8];
const WHOLE = { height: 1, width: 1 };
const ORIGIN = { y: 0, x: 0 };

export function TableInspector({ run, node, tensor }: InspectorProps) {
  const table = useMemo(() => tableOf(tensor, node), [tensor, node]);
  const scale = useSignal<ScaleName>('viridis');
  const group = useSignal(0);
  const first = useSignal(0);
  const cell = useSignal<Cell>(ORIGIN);
  const slice = useMemo(
    () => table.slice(group.value, first.value, first.value + PAGE),
    [table, group.value, first.value],
  );
  if (table.rows === 0) return <p class="card">The run had no region for this node.</p>;
  const { height, width } = slice;
  const y = Math.min(cell.value.y, height - 1);
  const at = table.at(group.value, first.value + y, cell.value.x);
  const value = numberAt(tensor, at);
  const isWhole = tensor.data instanceof Uint32Array;
  const pages = Array.from({ length: Math.ceil(table.rows / PAGE) }, (_, i) => i * PAGE);
  return (
    <div class="inspector">
      <div class="controls">
        <ScaleChoices value={scale.value} onChange={(next) => (scale.value = next)} />
        {table.groups > 1 && (
          <Slider
            label="Group"
            min={0}
            max={table.groups - 1}
            value={group.value}
            onInput={(next) => (group.value = next)}
          />
        )}
        {pages.length > 1 && (
          <Select
            label="Rows"
            options={pages.map((from) => [from, `${from} to ${Math.min(from + PAGE, table.rows) - 1}`])}
            value={first.value}
            onChange={(next) => (first.value = next)}
          />
        )}
      </div>
      <div class="inspector-grid">
        <div>
          <h2>
            {table.rows.toLocaleString('en')} × {table.columns.toLocaleString('en')} numbers
          </h2>
          <HeatMap
            slice={slice}
            name={`${node.label}, rows of numbers`}
            scale={scale.value}
            aspect={Math.min(WIDEST, Math.max(HIGHEST, width / height))}
            firstRow={first.value}
            cell={{ y, x: cell.value.x }}
            format={(number) => reading(number, isWhole)}
            onCell={(next) => {
              if (next) cell.value = next;
            }}
          />
        </div>
        <CellField run={run} node={node} cell={ORIGIN} region={at.n} sides={WHOLE} />
        <div>
          <h2>
            Row {first.value + y}, column {cell.value.x}:{' '}
            <output data-value>{reading(value, isWhole)}</output>
          </h2>
          <CellSum run={run} node={node} output={value} at={at} />
        </div>
      </div>
    </div>
  );
}

function reading(value: number, isWhole: boolean): string {
  if (Number.isNaN(value)) return 'none';
  return isWhole ? value.toLocaleString('en') : short(value);
}
