// Chapter 11: what the run took: the time of every node, and the buffers that all tensors share.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { MemoryPlan, RunInfo } from '../../engine/explore_run';
import { tellFault } from '../../shell/toasts';
import type { Chapter } from '../chapter';
import { kernelShares, neededBytes, productShare } from '../logic/memory_chart';
import { compact, milliseconds, percent } from '../logic/numbers';
import type { Run } from '../run';
import { Cite } from '../views/cite';
import { Flame } from '../views/flame';
import { MemoryChart } from '../views/memory_plan';
import { Scroll } from '../views/scroll';

function Text({ info }: { info: RunInfo | undefined }) {
  const products = info && productShare(info.nodes);
  const share = products !== undefined && percent(products);
  return (
    <>
      <p>
        All nodes of a run are recorded once, with their buffers, and then sent to the graphics processor in
        one submission; the results come back in one reading. Nothing in between waits for JavaScript. Only
        this page sends its runs in a few pieces, to show how far they are.
      </p>
      <p>
        <b>Time.</b> The graphics processor notes when each node begins and ends. A box in the upper chart is
        a node, as wide as it took, below the layers and modules that it belongs to. Most of it goes into sums
        of products{share && `, here ${share} of the time`}: each number that a convolution or a fully
        connected layer writes is a sum of hundreds or thousands of them.
      </p>
      <p>
        <b>Memory.</b> A tensor is needed from the node that writes it until the last that reads it; after
        that another can take its buffer. The lower chart shows who lies where and when. Tensors are placed by
        size, the largest first, each into the first buffer that is free while it is needed (
        <Cite who="Pisarchyk and Lee" year={2020} id="2001.03288" />
        ). For looking around in it, this page keeps all tensors of its own run; the plan is that of an
        ordinary one.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const plan = useSignal<MemoryPlan | undefined>(undefined);
  useEffect(() => {
    run.memory().then((found) => {
      plan.value = found;
    }, tellFault);
  }, [run]);
  const { nodes } = run.info;
  const timed = nodes.some(({ microseconds }) => microseconds !== undefined);
  return (
    <section class="stack">
      <h2>Time</h2>
      {timed ? (
        <Flame run={run} />
      ) : (
        <p class="card">This browser does not tell how long nodes take (it has no timestamp-query).</p>
      )}
      <Shares run={run} />
      <h2>Memory</h2>
      {plan.value && (
        <>
          <Totals run={run} plan={plan.value} />
          <MemoryChart run={run} plan={plan.value} />
        </>
      )}
    </section>
  );
}

function Shares({ run }: { run: Run }) {
  const shares = kernelShares(run.info.nodes);
  const total = shares.reduce((sum, { microseconds }) => sum + microseconds, 0);
  return (
    <Scroll name="The kernels by time">
      <table>
        <caption>
          The kernels that take the most, of {shares.length}: {milliseconds(total)} on the graphics processor
        </caption>
        <thead>
          <tr>
            <th scope="col">Kernel</th>
            {['Nodes', 'Time', 'Share', 'Multiply-adds'].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shares.slice(0, 6).map(({ kernel, nodes, microseconds, macs }) => (
            <tr key={kernel}>
              <th scope="row">{kernel}</th>
              <td class="number">{nodes}</td>
              <td class="number" data-value={microseconds}>
                {milliseconds(total ? microseconds : undefined)}
              </td>
              <td class="number">{total ? percent(microseconds / total) : ''}</td>
              <td class="number">{compact(macs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Totals({ run, plan }: { run: Run; plan: MemoryPlan }) {
  const most = Math.max(...neededBytes(plan, run.info.nodes.length));
  const rows = [
    ['Tensors, each with a buffer of its own', plan.bytesWithoutReuse],
    [`${plan.bufferBytes.length} shared buffers`, plan.peakBytes],
    ['The most that is needed at once', most],
  ] as const;
  return (
    <table>
      <caption>Bytes of all activations</caption>
      <tbody>
        {rows.map(([name, bytes]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="number" data-value={bytes}>
              {compact(bytes)}B
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export const chapter: Chapter = { Text, View };
