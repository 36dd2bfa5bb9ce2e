// What the mask head is to draw of each matched region, what it has drawn, and what each cell adds to the loss.

import { useSignal } from '@preact/signals';
import { binaryCrossEntropy } from '../logic/losses';
import { short } from '../logic/numbers';
import { sigmoid } from '../logic/rpn';
import type { MaskLesson, Truths } from '../logic/training';
import type { Run } from '../run';
import { Slider } from './controls';
import { type Cell, HeatMap } from './heat_map';

interface MaskTargetsProps {
  run: Run;
  lesson: MaskLesson;
  truths: Truths;
}

export function MaskTargets({ run, lesson, truths }: MaskTargetsProps) {
  const { side, tasks, loss } = lesson;
  const chosen = useSignal(0);
  const cell = useSignal<Cell | undefined>(undefined);
  const at = Math.min(chosen.value, tasks.length - 1);
  const task = tasks[at];
  if (!task) return <p class="card">No detection is matched, so that no mask is to be drawn.</p>;
  const { said, wanted, detection, truth } = task;
  const label = run.info.classes[truths.labels[truth]!]!;
  const maps = [
    ['The target: the truth’s mask, cut to the region', wanted, [0, 1], 'viridis'],
    [`What the head says of ${label}`, said.map(sigmoid), [0, 1], 'viridis'],
    ['The loss of each cell', said.map((z, i) => binaryCrossEntropy(z, wanted[i]!)), undefined, 'magma'],
  ] as const;
  return (
    <section class="stack" aria-label="Mask targets">
      <h2>What the masks should be</h2>
      <Slider
        label="Matched detection"
        min={1}
        max={tasks.length}
        value={at + 1}
        text={`${at + 1} of ${tasks.length}: №\u00a0${detection + 1}, ${label}`}
        onInput={(next) => (chosen.value = next - 1)}
      />
      <div class="pair trio">
        {maps.map(([name, data, range, scale]) => (
          <figure key={scale + name.length}>
            <HeatMap
              slice={{ data, height: side, width: side }}
              name={name}
              scale={scale}
              range={range}
              cell={cell.value}
              onCell={(next) => (cell.value = next)}
            />
            <figcaption>{name}</figcaption>
          </figure>
        ))}
      </div>
      <p data-task={`${detection} ${loss.terms[at]}`}>
        {side} × {side} cells, on average <b>{short(loss.terms[at]!)}</b>; over all {tasks.length} regions{' '}
        <b>{short(loss.loss)}</b>.
      </p>
    </section>
  );
}
