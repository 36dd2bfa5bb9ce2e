// The free mode: the map, and of the node that is chosen there everything: its costs, its maps, its shader.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Chapter } from '../chapter';
import { layoutGraph } from '../logic/graph_layout';
import type { Run } from '../run';
import { chosenNode, nodeIn } from '../selection';
import { Choices } from '../views/controls';
import { GraphMap, MEASURES, type Measure } from '../views/graph_map';
import { MapInspector } from '../views/map_inspector';
import { NodeDetails } from '../views/node_details';
import { Source } from '../views/source';

function Text() {
  return (
    <p>
      The whole network, without a guide. Choose any node on the map, with the mouse or the arrow keys: below
      are its maps, its numbers, and the shader that it ran.
    </p>
  );
}

function View({ run }: { run: Run }) {
  const measure = useSignal<Measure>('microseconds');
  const layout = useMemo(() => layoutGraph(run.info), [run]);
  const node = nodeIn(run);
  return (
    <section class="stack">
      <Choices
        label="Colour by"
        options={MEASURES}
        value={measure.value}
        onChange={(next) => {
          measure.value = next;
        }}
      />
      <GraphMap
        layout={layout}
        measure={measure.value}
        chosen={node}
        onChoose={({ label }) => {
          chosenNode.value = label;
        }}
      />
      <MapInspector run={run} node={node} />
      <div class="beside">
        <NodeDetails node={node} />
        <Source run={run} node={node} />
      </div>
    </section>
  );
}

export const chapter: Chapter = { Text, View, wide: true };
