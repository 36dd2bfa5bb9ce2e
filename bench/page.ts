// The benchmark's page: runs the suite on the browser's adapter, shows reports, compares two.

import picture from '../demo/public/nuclei.png?url';
import nuclei from '../models/nuclei.safetensors?url';
import { requestDevice } from '../src/device';
import { computingFor } from '../src/load';
import { MaskRCNN } from '../src/mask_rcnn';
import { rows } from '../tests/kernels.table';
import { kernelColours } from './colours';
import { type ComparedReports, compareReports } from './compare';
import { flameChart } from './flame_chart';
import { parseReport, type Report, type Result } from './report';
import { ResultTable } from './result_table';
import { rooflinePlot } from './roofline_plot';
import { buildOf, runSuite, type SuiteOptions } from './suite';
import { ceilingsText, digits } from './text';

declare const COMMIT: string;
declare const VERSION: string;

const WEIGHTS: Record<string, string | File> = { nuclei, r50: 'maskrcnn_resnet50_fpn.safetensors' };
const PICTURE = { width: 360, height: 480 };
/** ms between two drawings while results come in. */
const REDRAW = 500;

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const form = element<HTMLFormElement>('controls');
const file = element<HTMLInputElement>('file');
const progress = element<HTMLProgressElement>('progress');
const table = new ResultTable(element<HTMLTableElement>('results'), choose);

let report: Report | undefined;
let baseline: Report | undefined; // what `report` is compared with
let chosen: Result | undefined;
let redrawFlame = (): void => {};
let drawnFlame: Report['profile'];
let stop: AbortController | undefined; // while the suite runs

function say(text: string, fault = false): void {
  element('status').textContent = text;
  element('status').classList.toggle('fault', fault);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  stop = new AbortController();
  setRunning(true);
  try {
    await run(fields, stop.signal);
    say(`Done: ${report!.results.length} results.`);
  } catch (error) {
    if (stop.signal.aborted) say(`Stopped: ${report?.results.length ?? 0} results.`);
    else say(error instanceof Error ? error.message : String(error), true);
  } finally {
    setRunning(false);
    render();
  }
});

function setRunning(running: boolean): void {
  element('stop').hidden = !running;
  element<HTMLButtonElement>('run').disabled = running;
  progress.hidden = !running;
}

async function run(fields: FormData, signal: AbortSignal): Promise<void> {
  say('Asking for a GPU');
  const device = await requestDevice();
  const source = WEIGHTS[fields.get('weights') as string]!;
  const [minSize, maxSize] = (fields.get('size') as string).split(',').filter(Boolean).map(Number);
  let model: MaskRCNN | undefined;
  try {
    const options: SuiteOptions = {
      filter: (fields.get('filter') as string).trim(),
      seconds: Number(fields.get('seconds')),
      signal,
      onProgress,
    };
    if (fields.has('rows')) options.rows = rows;
    const sizes = { minSize, maxSize };
    if (fields.has('model')) {
      options.graph = (await buildOf(source, PICTURE, sizes))(await computingFor(device, {}));
    }
    if (fields.has('variants')) options.variants = await buildOf(source, PICTURE, sizes, true);
    if (fields.has('picture')) {
      say('Loading the model');
      model = await MaskRCNN.load(source, { device, minSize, maxSize, signal });
      const image = await createImageBitmap(await (await fetch(picture)).blob());
      options.picture = { model, image, name: 'nuclei.png' };
    }
    const versions = { 'maskrcnn-webgpu': VERSION, browser: navigator.userAgent };
    await runSuite(device, { date: new Date().toISOString(), commit: COMMIT, versions }, options);
  } finally {
    model?.destroy();
    device.destroy();
  }
}

let drawn = 0;

const onProgress: SuiteOptions['onProgress'] = ({ done, total, next, report: current }) => {
  if (report !== current) chosen = undefined;
  report = current;
  progress.value = total ? done / total : 0;
  say(next && `${done + 1} of ${total}: ${next}`);
  if (performance.now() - drawn < REDRAW) return;
  drawn = performance.now();
  render();
};

/** Everything, from `report` and `baseline`. */
function render(): void {
  if (!report) return;
  const compared = baseline && compareReports(baseline, report);
  const colours = kernelColours(report);
  renderFacts(report);
  renderRoofline(report, colours);
  renderFlame(report, colours);
  element('results-section').hidden = !report.results.length && !report.failures.length;
  element('results-note').textContent = compared ? comparisonNote(compared) : '';
  table.show(report.results, compared?.pairs ?? []);
  const faults = report.failures.map(({ id, why }) => {
    const item = document.createElement('li');
    item.textContent = `${id}: ${why}`;
    return item;
  });
  element('failures').replaceChildren(...faults);
  element<HTMLButtonElement>('save').disabled = !report.results.length;
}

function renderFacts({ environment, ceilings }: Report): void {
  const { adapter, clock, commit, versions, date, features } = environment;
  const facts: Record<string, string> = {
    Adapter: [adapter.description || adapter.device, adapter.vendor, adapter.architecture]
      .filter(Boolean)
      .join(', '),
    Clock: clock,
    Commit: `${commit}, ${new Date(date).toLocaleString()}`,
    Versions: Object.entries(versions)
      .map((pair) => pair.join(' '))
      .join(', '),
    Features: features.join(', ') || 'none',
  };
  if (ceilings.copy.length) {
    for (const line of ceilingsText(ceilings).trim().split('\n')) {
      const [name, text] = line.split(/: +/) as [string, string];
      facts[name[0]!.toUpperCase() + name.slice(1)] = text;
    }
  }
  const cells = Object.entries(facts).flatMap(([term, value]) => {
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    [dt.textContent, dd.textContent] = [term, value];
    return [dt, dd];
  });
  element('facts').replaceChildren(...cells);
}

function renderRoofline(current: Report, colours: ReadonlyMap<string, string>): void {
  const shown = current.results.filter(({ gflops }) => gflops > 0).length;
  element('roofline-section').hidden = !shown;
  if (!shown) return;
  const place = element('roofline');
  place.replaceChildren(rooflinePlot(current, colours, Math.max(240, place.clientWidth), chosen, choose));
  const others = current.results.length - shown;
  element('roofline-note').textContent =
    `Lines are what this adapter's own multiply-adds and copies reached. Circles are rows of the kernel tables, squares dispatches of the model, diamonds ways to compute a layer${
      others ? '; what multiplies nothing is in the table only' : ''
    }.`;
}

function renderFlame({ profile }: Report, colours: ReadonlyMap<string, string>): void {
  const timed = profile?.nodes.some(({ microseconds }) => microseconds);
  element('flame-section').hidden = !timed;
  if (!profile || !timed || profile === drawnFlame) return;
  drawnFlame = profile;
  redrawFlame = flameChart(element('flame'), element('flame-chosen'), profile, colours);
}

function comparisonNote({
  pairs,
  geometricMean,
  differences,
  onlyBefore,
  onlyAfter,
}: ComparedReports): string {
  const mean =
    geometricMean === undefined
      ? 'Nothing in common'
      : `Geometric mean of ${pairs.length} ratios: ${digits(geometricMean)}`;
  const lone = onlyBefore.length + onlyAfter.length;
  return [
    `${mean} (first report's time over the second's: above 1 is faster).`,
    ...(lone ? [`${lone} results are in one report only.`] : []),
    ...differences.map((difference) => `The reports differ in ${difference}.`),
  ].join(' ');
}

function choose(result: Result): void {
  chosen = result;
  if (report) renderRoofline(report, kernelColours(report));
  table.choose(result);
}

/** A report is shown; the next is compared with it. Weights become a choice of model. */
async function take(files: Iterable<File>): Promise<void> {
  for (const given of files) {
    try {
      if (given.name.endsWith('.safetensors')) {
        addWeights(given);
        continue;
      }
      const next = parseReport(await given.text(), given.name);
      if (report?.results.length) baseline = report;
      report = next;
      chosen = undefined;
      say(baseline ? `${given.name}, compared with the report before it.` : given.name);
      render();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), true);
    }
  }
}

function addWeights(given: File): void {
  const select = form.elements.namedItem('weights') as HTMLSelectElement;
  if (!WEIGHTS[given.name]) select.add(new Option(given.name));
  WEIGHTS[given.name] = given;
  select.value = given.name;
  say(`${given.name} is the model now.`);
}

function save(): void {
  const text = `${JSON.stringify(report, null, 1)}\n`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = `bench-${report!.environment.date.slice(0, 16).replaceAll(':', '')}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

element('stop').addEventListener('click', () => stop?.abort());
element('save').addEventListener('click', save);
element('open').addEventListener('click', () => file.click());
file.addEventListener('change', async () => {
  await take(file.files ?? []);
  file.value = ''; // the same file may be chosen again
});
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  take(event.dataTransfer?.files ?? []);
});
window.addEventListener('resize', () => {
  if (report) renderRoofline(report, kernelColours(report));
  if (!element('flame-section').hidden) redrawFlame();
});
