// Where the number of a cell comes from: the sum, for a layer with weights; else what its kernel says that it does.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { NodeInfo } from '../../engine/explore_run';
import { tellFault } from '../../shell/toasts';
import { type At, convSum, layerOf, type Operands } from '../logic/conv_sum';
import { purposeOf } from '../logic/purpose';
import type { Run } from '../run';
import { ConvSumTable } from './conv_sum_table';
import { useTensors } from './use_tensor';

interface CellSumProps {
  run: Run;
  node: NodeInfo;
  /** What the run has there. */
  output: number;
  at: At;
}

export function CellSum({ run, node, output, at }: CellSumProps) {
  const layer = layerOf(node, run.info.nodes);
  const tensors = useTensors(run, layer?.operands.map(({ label }) => label) ?? []);
  if (!layer) return <Purpose run={run} node={node} />;
  if (!tensors) return <p class="faint">Fetching its inputs and weights</p>;
  const operands: Operands = Object.fromEntries(layer.operands.map(({ name }, i) => [name, tensors[i]]));
  return <ConvSumTable sum={convSum(layer, operands, at)} output={output} />;
}

/** A kernel without weights: the first words of its shader. */
function Purpose({ run, node }: { run: Run; node: NodeInfo }) {
  const text = useSignal('');
  useEffect(() => {
    let wanted = true;
    run.wgsl(node).then((found) => {
      if (wanted) text.value = purposeOf(found);
    }, tellFault);
    return () => {
      wanted = false;
    };
  }, [run, node]);
  return (
    <p>
      <code>{node.kernel}</code>: {text.value}
    </p>
  );
}
