// `maskrcnn models`: the published checkpoints that a name is enough for.

import { REGISTRY } from '../node';
import { table } from './table';

export function models(): void {
  const rows = [...REGISTRY].map(([name, { licence, classes, bnEps, urls }]) => [
    name,
    licence,
    classes,
    bnEps,
    urls.at(-1)!,
  ]);
  process.stdout.write(table([['name', 'licence', 'classes', 'eps', 'address'], ...rows]));
}
