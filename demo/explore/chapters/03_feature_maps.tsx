// Chapter 3: the numbers of any node, and where each of them comes from.

import type { Chapter } from '../chapter';
import { STAGES, stageOf } from '../logic/stages';
import type { Run } from '../run';
import { chosenNode, nodeIn } from '../selection';
import { Cite } from '../views/cite';
import { MapInspector } from '../views/map_inspector';

function Text() {
  return (
    <>
      <p>
        A convolution slides a small window over its input. At each place it multiplies what it sees, over all
        channels, with its weights, and adds the products up: one number for each channel of the output. The
        same weights are used everywhere, so that a channel is a map of where one pattern is found (
        <Cite who="Zeiler and Fergus" year={2013} id="1311.2901" />
        ). Early channels answer to edges and colours, later ones to parts and whole objects.
      </p>
      <p>
        Point at a cell. Its <b>receptive field</b> is all of the picture that can have a say in it; every
        layer widens it, and every stride makes it grow faster (
        <a class="cite" href="https://distill.pub/2019/computing-receptive-fields">
          Araujo et al. 2019
        </a>
        ). Below is the sum behind the number, with the very inputs and weights of this run: the window's
        places first, then the products that weigh most. The batch norm is folded into the weights; the
        shortcut of a residual block is added before the ReLU.
      </p>
      <p>
        The heads do the same for each region: a fully connected layer multiplies all of a region's bins, and
        a transposed convolution scatters each cell into a window of a larger map. What is no map, such as
        scores and boxes, is shown as rows of numbers.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const { nodes } = run.info;
  const node = nodeIn(run, (label) => label === chosenNode.value || /conv1$/.test(label));
  return (
    <section class="stack">
      <label class="field node-choice">
        <span>Node</span>
        <select
          value={node.label}
          onChange={({ currentTarget: { value } }) => {
            chosenNode.value = value;
          }}
        >
          {STAGES.map(([stage, title]) => {
            const own = nodes.filter(({ label }) => stageOf(label) === stage);
            return own.length === 0 ? null : (
              <optgroup key={stage} label={title}>
                {own.map(({ label, outputs }) => (
                  <option key={label} value={label}>
                    {label} · {outputs[0]!.shape.join(' × ')}
                  </option>
                ))}
              </optgroup>
            );
          })}
        </select>
      </label>
      <MapInspector run={run} node={node} />
    </section>
  );
}

export const chapter: Chapter = { Text, View, wide: true };
