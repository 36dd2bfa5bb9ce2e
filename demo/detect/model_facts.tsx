// What is known of the model that is loaded.

import type { ModelInfo } from '../engine/messages';
import { chosenModel } from './actions';
import { engine, ownModel } from './state';
import { milliseconds } from './units';

export function ModelFacts() {
  const info = engine.model.value;
  if (!info) return null;
  const own = ownModel.value !== undefined;
  const row = chosenModel();
  const rows: [term: string, value: string][] = [
    ['Architecture', info.architecture + (info.hasMasks ? '' : ', without masks')],
    ['Finds', own || !row.source ? classesOf(info) : row.finds],
    ['Parameters', `${(info.parameters / 1e6).toFixed(1)} million`],
    ['Loaded in', milliseconds(info.loadMs)],
    ['Adapter', info.adapter],
    ...(own ? [] : ([['Licence', row.licence]] as [string, string][])),
  ];
  return (
    <dl class="facts">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function classesOf({ classes }: ModelInfo): string {
  const names = classes.slice(1); // the first is the background
  if (names.length === 0) return 'unnamed classes';
  return names.length > 4 ? `${names.length} classes` : names.join(', ');
}
