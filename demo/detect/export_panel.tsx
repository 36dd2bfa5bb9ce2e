// Files of what is shown: measures, COCO, masks, the picture; and a link that shows the same again.

import { Status } from '../shell/status';
import { Task } from '../shell/task';
import { tell, tellFault } from '../shell/toasts';
import { maskPngs } from './edit/client';
import { cocoOf, csvOf, pictureOf, stem } from './exports';
import { titleOf } from './instances';
import { save } from './save';
import { meant, picture, selected, settings, visible } from './state';

const task = new Task();

export function ExportPanel() {
  const ready = picture.value !== undefined && meant.value.length > 0;
  const measured = ready && meant.value.every(({ found }) => found);
  const masked = ready && meant.value.some(({ detection }) => detection.mask);
  return (
    <>
      <p class="small faint">
        {selected.value.size > 0 ? `The ${meant.value.length} selected.` : `All ${meant.value.length} shown.`}
        {ready && !measured ? ' Keep the frame first: of live pictures nothing is measured.' : ''}
      </p>
      <div class="row">
        <button type="button" disabled={!measured} onClick={saveCsv}>
          Measures, CSV
        </button>
        <button type="button" disabled={!measured} onClick={saveCoco}>
          COCO JSON
        </button>
        <button type="button" disabled={!masked} onClick={saveMasks}>
          Masks, PNG (zip)
        </button>
        <button type="button" disabled={!picture.value} onClick={savePicture}>
          Picture, PNG
        </button>
        <button type="button" onClick={copyLink}>
          Copy link
        </button>
      </div>
      <Status task={task} />
      <Measures />
    </>
  );
}

/** The measures that the CSV has, of the first ones. */
function Measures() {
  const rows = meant.value.filter(({ found }) => found).slice(0, MOST_ROWS);
  if (rows.length === 0) return null;
  return (
    <table id="measures">
      <caption class="small faint">
        in pixels{meant.value.length > MOST_ROWS ? `; the first ${MOST_ROWS}` : ''}
      </caption>
      <thead>
        <tr>
          <th>object</th>
          <th class="number">area</th>
          <th class="number">centroid</th>
          <th class="number">outline</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((instance) => (
          <tr key={instance.id}>
            <td>{titleOf(instance)}</td>
            <td class="number">{instance.found!.area}</td>
            <td class="number">{instance.found!.centroid?.map((at) => at.toFixed(1)).join(', ') ?? ''}</td>
            <td class="number">{instance.found!.perimeter.toFixed(1)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const MOST_ROWS = 12;

function saveCsv(): void {
  save(csvOf(picture.value!, meant.value), `${stem(picture.value!.name)}.csv`);
}

function saveCoco(): void {
  save(cocoOf(picture.value!, meant.value), `${stem(picture.value!.name)}.json`);
}

async function saveMasks(): Promise<void> {
  const name = stem(picture.value!.name);
  const masks = meant.value.map(({ id, detection }) => ({
    name: `${name}_${id}_${stem(detection.label)}.png`,
    detection,
  }));
  try {
    const zip = await task.run('Writing the masks', (signal) => maskPngs(masks, signal));
    save(new Blob([zip], { type: 'application/zip' }), `${name}_masks.zip`);
  } catch (error) {
    tellFault(error);
  }
}

async function savePicture(): Promise<void> {
  const { bitmap, name } = picture.value!;
  const { layers } = settings.value;
  try {
    const png = await task.run('Writing the picture', () =>
      pictureOf({ bitmap, instances: visible.value, layers, selected: selected.value }),
    );
    save(png, `${stem(name)}_found.png`);
  } catch (error) {
    tellFault(error);
  }
}

async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    tell('The link is copied. It holds the settings, not your own files.');
  } catch {
    tell(`Copy it from the address bar: ${location.href}`);
  }
}
