// Any node's maps: all channels on a sheet, one large; the cell that is pointed at with its value, what it sees of
// the picture, and the sum that made it. What is no map is shown as a table.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import type { NodeInfo } from '../../engine/explore_run';
import { rangeOf, type ScaleName } from '../logic/colour_scale';
import { short } from '../logic/numbers';
import { channelOf, isMap, valueAt } from '../logic/slices';
import { filledOf } from '../logic/tables';
import type { Run } from '../run';
import { chosenChannel, place } from '../selection';
import { CellField } from './cell_field';
import { CellSum } from './cell_sum';
import { ContactSheet } from './contact_sheet';
import { Choices, ScaleChoices, Slider } from './controls';
import { HeatMap } from './heat_map';
import { cellAt, extentOf, greatest, placeOf } from './places';
import { TableInspector } from './table_inspector';
import { useTensor } from './use_tensor';
import './map_inspector.css';

export function MapInspector({ run, node }: { run: Run; node: NodeInfo }) {
  const which = useSignal(0);
  const at = Math.min(which.value, node.outputs.length - 1);
  const { label } = node.outputs[at]!;
  const tensor = useTensor(run, label);
  const Inspector = isMap(tensor?.shape) ? MapsInspector : TableInspector;
  return (
    <>
      {node.outputs.length > 1 && (
        <Choices
          label="Output"
          options={node.outputs.map(({ name }, i) => [i, name])}
          value={at}
          onChange={(next) => (which.value = next)}
        />
      )}
      {tensor ? (
        <Inspector key={label} run={run} node={node} tensor={tensor} />
      ) : (
        <p class="waiting faint">Fetching {label}</p>
      )}
    </>
  );
}

export interface InspectorProps {
  run: Run;
  node: NodeInfo;
  tensor: HostTensor;
}

function MapsInspector({ run, node, tensor }: InspectorProps) {
  const channels = tensor.shape[3]!;
  const maps = filledOf(tensor, node);
  const scale = useSignal<ScaleName>('viridis');
  const shared = useSignal(false);
  const map = useSignal(0);
  const c = Math.min(chosenChannel.value, channels - 1);
  const n = Math.max(0, Math.min(map.value, maps - 1));
  const slice = useMemo(() => channelOf(tensor, c, n), [tensor, c, n]);
  const whole = useMemo(
    () => (shared.value ? rangeOf(tensor.data, scale.value) : undefined),
    [tensor, shared.value, scale.value],
  );
  if (maps === 0) return <p class="card">The run had no region for this node.</p>;
  const cell = place.value ? cellAt(slice) : greatest(slice);
  const { y, x } = cell;
  return (
    <div class="inspector">
      <div class="controls">
        <ScaleChoices value={scale.value} onChange={(next) => (scale.value = next)} />
        <Choices
          label="Range of"
          options={[
            ['channel', 'each channel'],
            ['layer', 'the layer'],
          ]}
          value={shared.value ? 'layer' : 'channel'}
          onChange={(next) => (shared.value = next === 'layer')}
        />
        {maps > 1 && (
          <Slider label="Region" min={0} max={maps - 1} value={n} onInput={(next) => (map.value = next)} />
        )}
      </div>
      <div class="inspector-grid">
        <div>
          <h2>
            Channel {c} of {channels}
          </h2>
          <HeatMap
            slice={slice}
            name={`${node.label}, channel ${c}`}
            scale={scale.value}
            range={whole}
            extent={tensor.shape[0] === 1 ? extentOf(run.info) : undefined}
            cell={cell}
            onCell={(next) => {
              if (next) place.value = placeOf(next, slice);
            }}
          />
        </div>
        <CellField run={run} node={node} cell={cell} region={n} sides={slice} />
        {channels > 1 && (
          <div>
            <h2>All channels</h2>
            <ContactSheet
              tensor={tensor}
              n={n}
              scale={scale.value}
              range={whole}
              chosen={c}
              onChoose={(next) => (chosenChannel.value = next)}
            />
          </div>
        )}
        <div>
          <h2>
            Row {y}, column {x}: <output data-value>{short(valueAt(tensor, y, x, c, n))}</output>
          </h2>
          <CellSum run={run} node={node} output={valueAt(tensor, y, x, c, n)} at={{ n, y, x, c }} />
        </div>
      </div>
    </div>
  );
}
