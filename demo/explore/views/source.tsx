// The shader that a node ran: its file with constants set and branches chosen, numbered.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { NodeInfo } from '../../engine/explore_run';
import { tellFault } from '../../shell/toasts';
import type { Run } from '../run';
import { chosenKernel } from '../selection';
import './source.css';

const TOKENS =
  /(\/\/.*)|(@\w+)|\b(fn|let|var|const|struct|alias|if|else|for|while|return|switch|case|default|loop|break|continue|enable)\b/g;

export function Source({ run, node }: { run: Run; node: NodeInfo }) {
  const text = useSignal<string | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    text.value = undefined;
    run.wgsl(node).then((found) => {
      if (wanted) text.value = found;
    }, tellFault);
    return () => {
      wanted = false;
    };
  }, [run, node]);
  const lines = (text.value ?? '').trimEnd().split('\n');
  return (
    <section class="source" aria-label={`WGSL of ${node.kernel}`}>
      <p class="row small">
        The shader as it ran, its constants set.
        <button
          type="button"
          onClick={() => {
            chosenKernel.value = node.kernel;
            location.hash = '#/12';
          }}
        >
          Change {node.kernel}
        </button>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with keys */}
      <pre tabIndex={0}>
        {lines.map((line, i) => (
          <code key={i}>
            {coloured(line)}
            {'\n'}
          </code>
        ))}
      </pre>
    </section>
  );
}

/** A line with its comment, attributes and keywords marked. */
function coloured(line: string) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(TOKENS)) {
    const [word, comment, attribute] = match;
    parts.push(line.slice(end, match.index));
    const kind = comment ? 'comment' : attribute ? 'attribute' : 'keyword';
    parts.push(
      <span key={match.index} class={kind}>
        {word}
      </span>,
    );
    end = match.index + word.length;
  }
  return [...parts, line.slice(end)];
}
