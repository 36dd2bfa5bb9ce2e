// Faster R-CNN and Mask R-CNN side by side on the picture that is shown: what the mask branch adds, and its cost.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Status } from '../shell/status';
import { Task } from '../shell/task';
import { tellFault } from '../shell/toasts';
import { type Comparison, compare, fill, median, type Side } from './compare';
import { instanceOf } from './instances';
import { paint } from './paint';
import { engine, live, picture, settings } from './state';
import { milliseconds } from './units';
import { fitted } from './view';

const task = new Task();
const compared = signal<{ bitmap: ImageBitmap; comparison: Comparison } | undefined>(undefined);

export function ComparePanel() {
  const bitmap = picture.value?.bitmap;
  const masks = engine.model.value?.hasMasks === true;
  const run = async () => {
    try {
      const comparison = await task.run('Comparing', (signal, report) =>
        compare(engine, bitmap!, signal, report),
      );
      compared.value = { bitmap: bitmap!, comparison };
    } catch (error) {
      tellFault(error);
    }
  };
  const { value } = compared;
  const fresh = value && value.bitmap === bitmap;
  return (
    <>
      <p class="small">
        Mask R-CNN is Faster R-CNN with one more branch: for each box that is found, a small network draws the
        object's mask. Here both run on this picture with the same weights, by turns.
      </p>
      <div class="row">
        <button type="button" disabled={!bitmap || !masks || live.value !== undefined} onClick={run}>
          Compare
        </button>
        {!masks && engine.model.value && <span class="small faint">This model has no mask branch.</span>}
      </div>
      <Status task={task} />
      {fresh && <Outcome bitmap={value.bitmap} comparison={value.comparison} />}
    </>
  );
}

function Outcome({ bitmap, comparison: { faster, mask } }: { bitmap: ImageBitmap; comparison: Comparison }) {
  const share = fill(mask.result, settings.value.score);
  const rows: [what: string, value: (side: Side) => string][] = [
    ['objects, any score', ({ result }) => String(result.detections.length)],
    ['time, median of 3', ({ runsMs }) => milliseconds(median(runsMs))],
    ['multiply-adds', ({ macs }) => `${(macs / 1e9).toFixed(2)} G`],
    ['dispatches', ({ nodes }) => String(nodes)],
  ];
  const cost = median(mask.runsMs) - median(faster.runsMs);
  return (
    <>
      <div class="sides">
        <Half bitmap={bitmap} side={faster} title="Faster R-CNN: boxes" />
        <Half bitmap={bitmap} side={mask} title="Mask R-CNN: boxes and masks" />
      </div>
      <table id="comparison">
        <thead>
          <tr>
            <th>
              <span class="hidden-visually">measure</span>
            </th>
            <th class="number">Faster</th>
            <th class="number">Mask</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([what, value]) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td class="number">{value(faster)}</td>
              <td class="number">{value(mask)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small" id="verdict">
        The mask branch {cost >= 0 ? 'costs' : 'is lost in the noise of timing:'}{' '}
        {milliseconds(Math.abs(cost))}
        {cost >= 0 ? ` (${Math.round((100 * cost) / median(faster.runsMs))} %)` : ' less'} here.{' '}
        {share !== undefined &&
          `Of what is shown, the masks fill ${Math.round(100 * share)} % of their boxes: the rest of a box is not the object.`}
      </p>
    </>
  );
}

function Half({ bitmap, side, title }: { bitmap: ImageBitmap; side: Side; title: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { score } = settings.value;
  useEffect(() => {
    const element = canvas.current!;
    const density = window.devicePixelRatio;
    const width = element.clientWidth;
    const height = (width * bitmap.height) / bitmap.width;
    Object.assign(element, { width: Math.round(width * density), height: Math.round(height * density) });
    const instances = side.result.detections
      .map((detection, i) => instanceOf(detection, { id: i + 1, colourBy: 'instance' }))
      .filter(({ detection }) => detection.score >= score);
    const view = fitted(bitmap, { width, height });
    paint(
      element.getContext('2d')!,
      { bitmap, instances, layers: ['masks', 'outlines', 'boxes'] },
      view,
      density,
    );
  }, [bitmap, side, score]);
  return (
    <figure>
      <canvas ref={canvas} role="img" aria-label={title} />
      <figcaption class="small">{title}</figcaption>
    </figure>
  );
}
