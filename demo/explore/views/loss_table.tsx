// The five losses and their sum: what each compares, over how many, and its value.

import type { ComponentChildren } from 'preact';
import type { Loss } from '../logic/losses';
import type { Lesson } from '../logic/training';
import { Scroll } from './scroll';

interface LossTableProps {
  anchors: Lesson;
  proposals: Lesson;
  /** Undefined for a Faster R-CNN. */
  mask: Loss | undefined;
}

export function LossTable({ anchors, proposals, mask }: LossTableProps) {
  const objectness = (
    <>
      log(1 + e<sup>−z</sup>) if matched, log(1 + e<sup>z</sup>) if not
    </>
  );
  const rows: [name: string, formula: ComponentChildren, loss: Loss][] = [
    ['RPN: objectness', objectness, anchors.classes],
    ['RPN: boxes', 'Σ smooth L1(delta − wanted), of the matched', anchors.regression],
    ['Box head: classes', '−log softmax of the true class', proposals.classes],
    ['Box head: boxes', 'Σ smooth L1(delta − wanted), of the matched', proposals.regression],
    ...(mask
      ? [['Masks', 'as objectness, cell by cell, of the true class', mask] as (typeof rows)[number]]
      : []),
  ];
  const total = rows.reduce((sum, [, , { loss }]) => sum + loss, 0);
  return (
    <Scroll name="The losses">
      <table class="losses">
        <caption>The joint loss; smooth L1 is 4.5 x² below 1/9, else |x| − 1/18</caption>
        <thead>
          <tr>
            <th scope="col">Loss</th>
            <th scope="col">Sum of, divided by the number</th>
            <th scope="col" class="number">
              Number
            </th>
            <th scope="col" class="number">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, formula, { loss, count }]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{formula}</td>
              <td class="number">{count}</td>
              <td class="number" data-value={loss}>
                {loss.toFixed(4)}
              </td>
            </tr>
          ))}
          <tr class="chosen">
            <th scope="row">Together</th>
            <td />
            <td />
            <td class="number" data-value={total}>
              {total.toFixed(4)}
            </td>
          </tr>
        </tbody>
      </table>
    </Scroll>
  );
}
