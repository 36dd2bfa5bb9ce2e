// The models of models.ts as the options of a <select>, publisher by publisher.

import { MODELS, type ModelRow } from './models';

const GROUPS = [...new Set(MODELS.map(({ group }) => group))];

export function ModelOptions() {
  return GROUPS.map((group) => (
    <optgroup key={group} label={group}>
      {MODELS.filter((row) => row.group === group).map((row) => (
        <option key={row.id} value={row.id}>
          {titleOf(row)}
        </option>
      ))}
    </optgroup>
  ));
}

/** With the size of the download, where that is known. */
function titleOf({ title, megabytes }: ModelRow): string {
  return megabytes === undefined ? title : `${title}, ${megabytes} MB`;
}
