// What there is to know of a node: its tensors, what it costs, and by which kernel it is computed.

import type { NodeInfo, TensorInfo } from '../../engine/explore_run';
import { compact, milliseconds, shapeText } from '../logic/numbers';
import { computedMacs } from '../logic/stages';
import './node_details.css';

export function NodeDetails({ node }: { node: NodeInfo }) {
  const { label, kernel, rows, bytes, microseconds, workgroups, inputs, outputs } = node;
  const macs = computedMacs(node);
  const seconds = (microseconds ?? 0) / 1e6;
  return (
    <section class="details" aria-label={`Node ${label}`}>
      <h2>{label}</h2>
      <dl>
        <dt>Kernel</dt>
        <dd>{kernel}</dd>
        <dt>Time</dt>
        <dd>{milliseconds(microseconds)}</dd>
        {rows && (
          <>
            <dt>Regions</dt>
            <dd>
              {rows.count.toLocaleString('en')} of at most {rows.capacity.toLocaleString('en')}
            </dd>
          </>
        )}
        <dt>Multiply-adds</dt>
        <dd>
          {compact(macs)}
          {macs > 0 && seconds > 0 && `, ${compact((2 * macs) / seconds)}FLOP/s`}
        </dd>
        <dt>Read and written</dt>
        <dd>
          {compact(bytes)}B{seconds > 0 && `, ${compact(bytes / seconds)}B/s`}
        </dd>
        <dt>Workgroups</dt>
        <dd>{workgroups.filter((n, axis) => axis === 0 || n > 1).join(' × ')}</dd>
      </dl>
      <Tensors title="Reads" tensors={inputs} />
      <Tensors title="Writes" tensors={outputs} />
      <p>
        <a href="#/3">Look at its numbers</a>
      </p>
    </section>
  );
}

function Tensors({ title, tensors }: { title: string; tensors: readonly TensorInfo[] }) {
  return (
    <>
      <h3>{title}</h3>
      <ul class="tensors">
        {tensors.map(({ name, label, shape, dtype }) => (
          <li key={`${name} ${label}`}>
            <b>{name}</b>{' '}
            <code>
              {dtype} {shapeText(shape)}
            </code>
            <span class="faint"> {label}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
