// Chapter 1: the tasks, from a class for the picture to a mask for each object, answered by one run.

import { useSignal } from '@preact/signals';
import type { Chapter } from '../chapter';
import { answerOf, countNumbers, TASKS, type Task } from '../logic/tasks';
import type { Run } from '../run';
import { Cite } from '../views/cite';
import { colourOf } from '../views/colours';
import { Choices, Slider } from '../views/controls';
import { PictureOverlay } from '../views/picture_overlay';

function Text() {
  return (
    <>
      <p>
        One picture, four questions. <b>Classification</b>: what is there? One answer for the whole picture.{' '}
        <b>Localisation</b>: and where is it? One box more. <b>Detection</b>: what is everything, and where? A
        list, as long as the picture has objects. <b>Instance segmentation</b>: and which pixels belong to
        each?
      </p>
      <p>
        R-CNNs answer the last two. R-CNN cut some 2,000 regions out of a picture and classified each (
        <Cite who="Girshick et al." year={2014} id="1311.2524" />
        ); Fast R-CNN computed the features once for all regions (
        <Cite who="Girshick" year={2015} id="1504.08083" />
        ); Faster R-CNN let a network propose the regions (
        <Cite who="Ren et al." year={2015} id="1506.01497" />
        ); Mask R-CNN added a branch that draws each object (
        <Cite who="He et al." year={2017} id="1703.06870" />
        ).
      </p>
      <p>
        The network here was run once on your picture. What the four answers show is all taken from its
        detections; for the first two, from the best of them. Move the threshold: a score is the network's own
        estimate, and no object is certain.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const task = useSignal<Task>('segmentation');
  const least = useSignal(0.5);
  const { found, config } = run.info;
  const answer = answerOf(task.value, found, least.value);
  const { classes, boxes, masks } = answer;
  const classIndices = [...new Set(found.map(({ classIndex }) => classIndex))];
  const colour = (i: number, classIndex: number) =>
    colourOf(task.value === 'segmentation' ? i : classIndices.indexOf(classIndex));
  return (
    <section class="stack">
      <Choices label="Task" options={TASKS} value={task.value} onChange={(next) => (task.value = next)} />
      <PictureOverlay
        run={run}
        name={`The picture with the answer to ${task.value}: ${answer.sentence}`}
        boxes={boxes.map(({ box, label, score, classIndex }, i) => ({
          box,
          colour: `rgb(${colour(i, classIndex)})`,
          label: boxes.length < 40 ? `${label} ${score.toFixed(2)}` : undefined,
        }))}
        masks={masks.map(({ mask, classIndex }, i) => ({ mask: mask!, colour: colour(i, classIndex) }))}
      />
      <Slider
        label="Score at least"
        min={config.boxScoreThresh}
        max={0.99}
        step={0.01}
        value={least.value}
        text={least.value.toFixed(2)}
        onInput={(next) => (least.value = next)}
      />
      <p class="answer" role="status">
        {answer.sentence}
      </p>
      <table>
        <caption class="hidden-visually">How long each task's answer is</caption>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Its answer</th>
            <th scope="col" class="number">
              Numbers
            </th>
          </tr>
        </thead>
        <tbody>
          {TASKS.map(([name, title]) => (
            <tr key={name} class={name === task.value ? 'chosen' : ''}>
              <th scope="row">{title}</th>
              <td>{SHAPES[name]}</td>
              <td class="number">{countNumbers(answerOf(name, found, least.value)).toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {classes.length === 0 && <p class="faint">Nothing has so high a score.</p>}
    </section>
  );
}

const SHAPES: Record<Task, string> = {
  classification: 'the classes, each with a score',
  localisation: 'class, score, box',
  detection: 'class, score, box of each object',
  segmentation: 'the same, and a pixel mask of each',
};

export const chapter: Chapter = { Text, View };
