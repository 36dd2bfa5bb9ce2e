// Chapter 2: the whole graph as a map; each node with shape, costs, kernel and source.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { RunInfo } from '../../engine/explore_run';
import type { Chapter } from '../chapter';
import { layoutGraph } from '../logic/graph_layout';
import { compact, milliseconds, percent } from '../logic/numbers';
import { stageCosts } from '../logic/stages';
import type { Run } from '../run';
import { chosenNode, nodeIn } from '../selection';
import { Cite } from '../views/cite';
import { Choices } from '../views/controls';
import { GraphMap, MEASURES, type Measure } from '../views/graph_map';
import { NodeDetails } from '../views/node_details';
import { Scroll } from '../views/scroll';
import { Source } from '../views/source';

function Text({ info }: { info: RunInfo | undefined }) {
  const has = (name: RegExp) => !info || info.nodes.some(({ label }) => name.test(label));
  return (
    <>
      <p>
        Every box is one dispatch of a compute shader; the lines are the tensors between them. The{' '}
        <b>backbone</b>,{' '}
        {has(/^backbone\.body\.layer1/) ? (
          <>
            a ResNet (<Cite who="He et al." year={2015} id="1512.03385" />)
          </>
        ) : (
          <>
            made of inverted residuals (<Cite who="Sandler et al." year={2018} id="1801.04381" />)
          </>
        )}
        , climbs to ever coarser maps with ever more channels.{' '}
        {has(/^backbone\.fpn/) ? (
          <>
            The <b>feature pyramid</b> brings what the coarse maps know back down to the fine ones (
            <Cite who="Lin et al." year={2016} id="1612.03144" />
            ). On every level the <b>region proposal network</b> asks
          </>
        ) : (
          <>
            This model has no feature pyramid; all that follows looks at its one last map. The{' '}
            <b>region proposal network</b> asks
          </>
        )}{' '}
        of each place whether an object is there; the best answers become <b>proposals</b>. For each, the{' '}
        <b>box head</b> finds class and box
        {has(/^roi_heads\.mask/) && (
          <>
            , and the <b>mask head</b> draws the object (<Cite who="He et al." year={2017} id="1703.06870" />)
          </>
        )}
        .
      </p>
      <p>
        Choose a node: its shapes, its multiply-adds, the time that your GPU took, and the shader that it ran,
        with its constants set. Batch norms and activations are not on the map: they are folded into the
        weights, and done while a result is written. Browsers may round times, so that short nodes read 0.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const measure = useSignal<Measure>('microseconds');
  const layout = useMemo(() => layoutGraph(run.info), [run]);
  const chosen = nodeIn(run);
  return (
    <section class="stack">
      <Choices
        label="Colour by"
        options={MEASURES}
        value={measure.value}
        onChange={(next) => (measure.value = next)}
      />
      <GraphMap
        layout={layout}
        measure={measure.value}
        chosen={chosen}
        onChoose={({ label }) => (chosenNode.value = label)}
      />
      <div class="beside">
        <NodeDetails node={chosen} />
        <Source run={run} node={chosen} />
      </div>
      <Costs run={run} />
    </section>
  );
}

function Costs({ run }: { run: Run }) {
  const costs = stageCosts(run.info.nodes);
  const timed = costs.reduce((sum, { microseconds }) => sum + (microseconds ?? 0), 0);
  const total = costs.reduce((sum, { macs }) => sum + macs, 0);
  return (
    <Scroll name="Costs">
      <table>
        <caption>What each part costs</caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col" class="number">
              Nodes
            </th>
            <th scope="col" class="number">
              Multiply-adds
            </th>
            <th scope="col" class="number">
              Bytes
            </th>
            <th scope="col" class="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {costs.map(({ stage, title, nodes, macs, bytes, microseconds }) => (
            <tr key={stage}>
              <th scope="row">{title}</th>
              <td class="number">{nodes}</td>
              <td class="number">
                {compact(macs)} ({percent(macs / total)})
              </td>
              <td class="number">{compact(bytes)}B</td>
              <td class="number">
                {milliseconds(microseconds)}
                {timed > 0 && ` (${percent((microseconds ?? 0) / timed)})`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export const chapter: Chapter = { Text, View, wide: true };
