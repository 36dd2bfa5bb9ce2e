// A kernel to change: its text, changes to try, and the run on the same picture.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { ShaderFault } from '../../../src/index';
import type { ChangedRun } from '../../engine/changed_run';
import { tellFault } from '../../shell/toasts';
import { editedShaders, editShader } from '../edited_shaders';
import { milliseconds } from '../logic/numbers';
import { applyEdit, EDITS } from '../logic/shader_edits';
import type { Run } from '../run';
import { chosenKernel } from '../selection';
import { Select } from './controls';
import { ShaderEditor } from './shader_editor';
import { ShaderEffect } from './shader_effect';

export function KernelWorkshop({ run }: { run: Run }) {
  const kernels = [...new Set(run.info.nodes.map(({ kernel }) => kernel))].sort();
  const kernel = useComputed(() => (kernels.includes(chosenKernel.value) ? chosenKernel.value : kernels[0]!));
  const own = useSignal<{ kernel: string; text: string } | undefined>(undefined);
  const faults = useSignal<readonly ShaderFault[]>([]);
  const revision = useSignal(0);
  const outcome = useSignal<{ kernel: string; result: ChangedRun } | undefined>(undefined);
  useEffect(() => {
    const wanted = kernel.value;
    faults.value = [];
    run.source(wanted).then((text) => {
      if (kernel.value === wanted) own.value = { kernel: wanted, text };
    }, tellFault);
  }, [run, kernel.value]);

  const nodes = run.info.nodes.filter((node) => node.kernel === kernel.value);
  const original = own.value?.kernel === kernel.value ? own.value.text : undefined;
  const text = original === undefined ? undefined : (editedShaders.value[kernel.value] ?? original);
  const edit = (next: string) => {
    if (original !== undefined) editShader(kernel.value, next, original);
  };
  const restore = (names: readonly string[]) => {
    const kept = Object.entries(editedShaders.value).filter(([name]) => !names.includes(name));
    editedShaders.value = Object.fromEntries(kept);
    faults.value = [];
    revision.value++;
  };
  const start = async () => {
    const changed = kernel.value;
    const shaders = Object.fromEntries(
      Object.entries(editedShaders.value).filter(([name]) => kernels.includes(name)),
    );
    const labels = nodes.map(({ outputs }) => outputs[0]!.label).slice(0, 1);
    const found = await run.changed('Running with your kernels', { shaders }, labels);
    faults.value = 'faults' in found ? found.faults : [];
    outcome.value = 'faults' in found ? undefined : { kernel: changed, result: found };
  };
  const edited = Object.keys(editedShaders.value);
  const shown = useMemo(
    () => faults.value.filter((fault) => fault.kernel === kernel.value),
    [faults.value, kernel.value],
  );
  return (
    <section class="stack">
      <Select
        label="Kernel"
        options={kernels.map((name) => [name, titleOf(run, name, edited.includes(name))])}
        value={kernel.value}
        onChange={(next) => (chosenKernel.value = next)}
      />
      <fieldset class="row edits" aria-label="Changes to try">
        {EDITS.filter((each) => kernels.includes(each.kernel)).map((each) => (
          <button
            key={each.title}
            type="button"
            title={`${each.kernel}: ${each.effect}`}
            onClick={() =>
              run.source(each.kernel).then((source) => {
                chosenKernel.value = each.kernel;
                editShader(each.kernel, applyEdit(source, each) ?? source, source);
                revision.value++;
              }, tellFault)
            }
          >
            {each.title}
          </button>
        ))}
      </fieldset>
      {text !== undefined && (
        <ShaderEditor
          key={kernel.value}
          kernel={kernel.value}
          text={text}
          revision={revision.value}
          faults={shown}
          onChange={edit}
          onRun={() => start().catch(tellFault)}
        />
      )}
      <Elsewhere faults={faults.value.filter((fault) => fault.kernel !== kernel.value)} />
      <p class="row">
        <button type="button" class="primary" onClick={() => start().catch(tellFault)}>
          Run
        </button>
        <button type="button" disabled={text === original} onClick={() => restore([kernel.value])}>
          Reset this kernel
        </button>
        <button type="button" disabled={edited.length === 0} onClick={() => restore(edited)}>
          Reset all
        </button>
        <span class="faint small">
          {edited.length ? `Changed: ${edited.join(', ')}.` : 'Nothing is changed.'} Ctrl + Enter runs.
        </span>
      </p>
      {outcome.value && (
        <ShaderEffect run={run} kernel={outcome.value.kernel} changed={outcome.value.result} />
      )}
    </section>
  );
}

/** Faults in kernels that are not in the editor. */
function Elsewhere({ faults }: { faults: readonly ShaderFault[] }) {
  if (faults.length === 0) return null;
  return (
    <div class="faults" role="alert">
      {faults.map(({ kernel, line, message }) => (
        <p key={`${kernel} ${line} ${message}`}>
          <b>
            {kernel}
            {line !== undefined && `, line ${line}`}:
          </b>{' '}
          {message}
        </p>
      ))}
    </div>
  );
}

function titleOf(run: Run, name: string, edited: boolean): string {
  const nodes = run.info.nodes.filter(({ kernel }) => kernel === name);
  const time = nodes.reduce((sum, { microseconds = 0 }) => sum + microseconds, 0);
  const times = nodes.length === 1 ? 'one node' : `${nodes.length} nodes`;
  return `${name}: ${times}${time ? `, ${milliseconds(time)}` : ''}${edited ? ', changed' : ''}`;
}
