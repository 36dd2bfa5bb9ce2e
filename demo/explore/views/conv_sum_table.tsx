// A layer's sum with its numbers: the window's taps, each the sum over its channels, the greatest products, and what
// comes after: bias, residual, activation, and the number that the run has.

import { useSignal } from '@preact/signals';
import { type ConvSum, greatest, type Tap } from '../logic/conv_sum';
import { parenthesised, short } from '../logic/numbers';
import { Scroll } from './scroll';
import './conv_sum_table.css';

const SHOWN = 8;
const ACTIVATIONS = { relu: 'max(0, ·)', hard_swish: '· min(max(· + 3, 0), 6) / 6' };

export function ConvSumTable({ sum, output }: { sum: ConvSum; output: number }) {
  const shown = useSignal(SHOWN);
  const { taps, channels, factor, bias, residual, activation, value } = sum;
  const most = Math.max(...taps.flat().map((tap) => Math.abs(tap.sum)), 1e-12);
  const terms = taps.flat().reduce((count, tap) => count + tap.products.length, 0);
  const products = greatest(sum, shown.value);
  return (
    <section class="sum" aria-label="The sum behind this number">
      {taps.flat().length > 1 && (
        <Scroll name="Window">
          <table class="taps">
            <caption>
              {taps.length} × {taps[0]!.length} window: each cell the sum of input × weight over {channels}{' '}
              channels
            </caption>
            <tbody>
              {taps.map((line, row) => (
                <tr key={row}>
                  {line.map((tap, column) => (
                    <td
                      key={column}
                      class={`${tap.inside ? '' : 'padding'} ${tap.sum < 0 ? 'negative' : 'positive'}`}
                      style={{ '--share': `${((60 * Math.abs(tap.sum)) / most).toFixed(0)}%` }}
                      title={titleOf(tap)}
                    >
                      {tap.inside ? short(tap.sum) : tap.cell ? 'pad' : '·'}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {taps.flat().some(({ cell }) => !cell) && (
        <p class="faint small">
          A transposed convolution scatters each cell of its input into a window of its output. Taps with a
          dot scatter into neighbours of this one.
        </p>
      )}
      <p class="equation">
        <span>
          {short(sum.sum)} <small>sum of {terms.toLocaleString('en')} products</small>
        </span>
        {factor !== 1 && (
          <span>
            × {short(factor)} <small>batch norm</small>
          </span>
        )}
        <span>
          + {parenthesised(bias)} <small>bias</small>
        </span>
        {residual !== undefined && (
          <span>
            + {parenthesised(residual)} <small>shortcut</small>
          </span>
        )}
        {activation !== 'none' && <span>→ {ACTIVATIONS[activation]}</span>}
        <span>
          = <b>{short(value)}</b> <small>here, in double precision</small>
        </span>
        <span>
          <b data-output>{short(output)}</b> <small>the run</small>
        </span>
      </p>
      <Scroll name="Products">
        <table>
          <caption>The greatest of the {terms.toLocaleString('en')} products</caption>
          <thead>
            <tr>
              <th scope="col">Tap</th>
              <th scope="col" class="number">
                Channel
              </th>
              <th scope="col" class="number">
                Input
              </th>
              <th scope="col" class="number">
                × weight
              </th>
              <th scope="col" class="number">
                = product
              </th>
            </tr>
          </thead>
          <tbody>
            {products.map(({ row, column, channel, input, weight, product }) => (
              <tr key={`${row} ${column} ${channel}`}>
                <td>
                  {row}, {column}
                </td>
                <td class="number">{channel}</td>
                <td class="number">{short(input)}</td>
                <td class="number">{short(weight)}</td>
                <td class="number">{short(product)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {products.length < terms && (
        <button type="button" onClick={() => (shown.value = 4 * shown.value)}>
          More products
        </button>
      )}
    </section>
  );
}

function titleOf({ cell, inside }: Tap): string {
  if (!cell) return 'meets another cell of the output';
  return `row ${cell.y}, column ${cell.x} of the input${inside ? '' : ': padding'}`;
}
