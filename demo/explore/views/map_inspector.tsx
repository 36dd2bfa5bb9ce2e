// Any node's maps: all channels on a sheet, one large; the cell that is pointed at with its value, what it sees of
// the picture, and for convolutions the sum that made it.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import type { NodeInfo } from '../../engine/explore_run';
import { rangeOf, SCALES, type ScaleName } from '../logic/colour_scale';
import { convSum, type Operands, operandsOf } from '../logic/conv_sum';
import { short } from '../logic/numbers';
import { receptiveField } from '../logic/receptive_field';
import { pictureArea } from '../logic/resize';
import { channelOf, valueAt } from '../logic/slices';
import type { Run } from '../run';
import { chosenChannel, place } from '../selection';
import { ContactSheet } from './contact_sheet';
import { Choices, Slider } from './controls';
import { ConvSumTable } from './conv_sum_table';
import { type Cell, HeatMap } from './heat_map';
import { PictureOverlay } from './picture_overlay';
import { cellAt, extentOf, greatest, placeOf } from './places';
import { useTensor, useTensors } from './use_tensor';
import './map_inspector.css';

const SCALE_NAMES = SCALES.map((name) => [name, name] as const);

export function MapInspector({ run, node }: { run: Run; node: NodeInfo }) {
  const tensor = useTensor(run, node.outputs[0]!.label);
  if (!tensor) return <p class="waiting faint">Fetching {node.label}</p>;
  return <Inspector key={node.label} run={run} node={node} tensor={tensor} />;
}

interface InspectorProps {
  run: Run;
  node: NodeInfo;
  tensor: HostTensor;
}

function Inspector({ run, node, tensor }: InspectorProps) {
  const [maps, height, width, channels] = tensor.shape as [number, number, number, number];
  const scale = useSignal<ScaleName>('viridis');
  const shared = useSignal(false);
  const map = useSignal(0);
  const c = Math.min(chosenChannel.value, channels - 1);
  const n = Math.min(map.value, maps - 1);
  const slice = useMemo(() => channelOf(tensor, c, n), [tensor, c, n]);
  const whole = useMemo(
    () => (shared.value ? rangeOf(tensor.data, scale.value) : undefined),
    [tensor, shared.value, scale.value],
  );
  const cell = place.value ? cellAt({ height, width }) : greatest(slice);
  const { y, x } = cell;
  return (
    <div class="inspector">
      <div class="controls">
        <Choices
          label="Colours"
          options={SCALE_NAMES}
          value={scale.value}
          onChange={(next) => (scale.value = next)}
        />
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
            extent={maps === 1 ? extentOf(run.info) : undefined}
            cell={cell}
            onCell={(next) => {
              if (next) place.value = placeOf(next, slice);
            }}
          />
        </div>
        <Field run={run} node={node} cell={cell} />
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
        <div>
          <h2>
            Row {y}, column {x}: <output data-value>{short(valueAt(tensor, y, x, c, n))}</output>
          </h2>
          <Sum run={run} node={node} output={valueAt(tensor, y, x, c, n)} at={{ n, y, x, c }} />
        </div>
      </div>
    </div>
  );
}

/** What the cell sees of the picture. */
function Field({ run, node, cell }: { run: Run; node: NodeInfo; cell: Cell }) {
  const { info } = run;
  const field = receptiveField(info.nodes, node.label, cell.y, cell.x);
  if (!field) return null;
  const { size, stride } = field;
  const box = field.area && pictureArea(info, field.area);
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

interface SumProps {
  run: Run;
  node: NodeInfo;
  output: number;
  at: { n: number; y: number; x: number; c: number };
}

function Sum({ run, node, output, at }: SumProps) {
  const wanted = operandsOf(node);
  const tensors = useTensors(run, wanted?.map(({ label }) => label) ?? []);
  if (!wanted) return <p class="faint">{EXPLAINED[node.kernel] ?? `Computed by ${node.kernel}.`}</p>;
  if (!tensors) return <p class="faint">Fetching its inputs and weights</p>;
  const operands: Operands = Object.fromEntries(wanted.map(({ name }, i) => [name, tensors[i]]));
  return <ConvSumTable sum={convSum(node, operands, at)} output={output} />;
}

/** What kernels without weights do. */
const EXPLAINED: Record<string, string> = {
  preprocess: 'The picture, resized, with the mean of each colour subtracted, and divided by its deviation.',
  max_pool2d: 'The greatest number in its window of the same channel.',
  upsample_add: 'The lateral map plus the coarser one, whose nearest cell is taken: see chapter 4.',
  roi_align: 'The mean of bilinear samples of the pyramid, in one bin of a region.',
};
