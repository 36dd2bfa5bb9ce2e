// Tensors of the run for components: undefined until they are there.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { HostTensor } from '../../../src/index';
import { tellFault } from '../../shell/toasts';
import type { Run } from '../run';

/** What the run left in a tensor. While another label is on its way, undefined. */
export function useTensor(run: Run, label: string | undefined): HostTensor | undefined {
  return useTensors(run, label === undefined ? [] : [label])?.[0];
}

/** Several at once, in the order of the labels. `row`: only that index of their first axes. */
export function useTensors(run: Run, labels: readonly string[], row?: number): HostTensor[] | undefined {
  const key = `${labels.join(' ')} ${row ?? ''}`;
  const held = useSignal<{ key: string; tensors: HostTensor[] } | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    const get = (label: string) => (row === undefined ? run.tensor(label) : run.row(label, row));
    Promise.all(labels.map(get)).then(
      (tensors) => {
        if (wanted) held.value = { key, tensors };
      },
      (error) => wanted && tellFault(error),
    );
    return () => {
      wanted = false;
    };
  }, [run, key]);
  return held.value?.key === key && labels.length > 0 ? held.value.tensors : undefined;
}
