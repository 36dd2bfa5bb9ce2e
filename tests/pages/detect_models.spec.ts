// The models of the page Detect, in Chromium: published ones by name, from a server that is a publisher's mirror, and
// the visitor's own files. What the page shows equals what torchvision, or an independent program, has found
// (tests/golden, family by family); narrow models, small for SwiftShader.

import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MaskRCNN } from '../../src/node';
import type { CocoResult } from '../../src/results/coco';
import { inOrderOf, largest } from '../compare_detections';
import { picture } from '../engine';
import { type Golden, readGolden } from '../golden_file';
import { testDevice } from '../gpu';
import { pickleOf, py } from '../pickle_writer';
import { pklOf, pthOf } from '../pickled_model';
import { listedWeights } from '../synthetic_weights';
import { serve, type WebServer } from '../web_server';
import { DetectPage, nucleiCrop, TIMEOUT } from './detect_page';
import { openSite, SHOTS, type Site } from './site';

/** No publisher is there, whatever the network. */
const NOBODY = '--host-resolver-rules=MAP *.pytorch.org ~NOTFOUND, MAP *.fbaipublicfiles.com ~NOTFOUND';
/** The goldens' shorter side, and their picture. */
const SETTINGS = '&size=192&picture=astronaut';
/** How far we may be from float64, as a multiple of the distance of the reference's float32 run: as in families.spec. */
const NOISE_FACTOR = 4;

const nuclei = readFileSync('models/nuclei.safetensors');
const command = py.reduce(py.global('posix', 'system'), py.tuple([py.text('touch /tmp/owned')]));
const cut = pthOf(nuclei);
const weights = (name: string) => listedWeights(readGolden(`family_${name}`), {});
const maskV2 = pthOf(weights('tv_mask_v2'));
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
const halfOf = ({ length }: Uint8Array) => Math.floor(length / 2);

const shared = process.env.SHARED_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const published = `${shared}/maskrcnn2go`;
const absent = !existsSync(`${published}/model_init.pb`);
if (absent) console.info(`skipped: ${published} is not there; it holds MaskRCNN2Go's published weights`);

let site: Site;
let mirror: WebServer;
let detect: DetectPage;

/** What the mirror was asked for, since this was last emptied. */
const asked: string[] = [];
/** Resolves when files may be sent to their end. */
let whole: Promise<void>;
let sendAll: () => void;
const sendHalf = () => {
  whole = new Promise((resolve) => {
    sendAll = resolve;
  });
};

function file(bytes: Uint8Array): (response: ServerResponse) => Promise<void> {
  return async (response) => {
    const { method = '' } = response.req;
    asked.push(method);
    response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' });
    if (method !== 'HEAD') {
      response.write(bytes.subarray(0, halfOf(bytes)));
      await whole;
    }
    response.end(method === 'HEAD' ? undefined : bytes.subarray(halfOf(bytes)));
  };
}

beforeAll(async () => {
  site = await openSite([NOBODY]);
  const routes = {
    '/mask_v2.pth': file(maskV2),
    '/keypoint.pth': file(pthOf(weights('tv_keypoint'))),
    '/mask_50.pkl': file(pklOf(weights('d2_mask_50'))),
    '/nuclei.safetensors': file(nuclei),
    '/maskrcnn2go/': published,
  };
  mirror = await serve(routes, { 'access-control-allow-origin': '*' });
}, TIMEOUT);
afterAll(async () => {
  await site?.close();
  await mirror?.close();
});

test('a published name: progress, cancelled, begun again, kept', { timeout: TIMEOUT }, async () => {
  sendHalf();
  const golden = readGolden('family_tv_mask_v2');
  const url = `${mirror.url}/mask_v2.pth`;
  detect = await DetectPage.open(site, `#model=maskrcnn_resnet50_fpn_v2&weights=${url}${SETTINGS}`);
  const { page } = detect;
  const half = page.getByText(`Loading the model: ${megabytes(halfOf(maskV2))} MB`);
  await half.waitFor(); // of another origin's file nobody tells the page the length
  await page.getByRole('progressbar').waitFor();
  await page.screenshot({ path: `${SHOTS}/detect_progress.png` });
  await detect.button('Cancel').press('Enter');
  await page.getByText('No model is loaded').waitFor();

  await detect.button('Load the model').click();
  sendAll();
  await detect.done();
  await expectGolden(golden);
  asked.length = 0;
  await page.reload();
  await page.getByText('Looking at the picture').waitFor({ timeout: TIMEOUT });
  expect(asked).toEqual(['HEAD']); // whether there is a newer version
});

test('a publisher that does not answer: what else to do', { timeout: TIMEOUT }, async () => {
  const golden = readGolden('family_d2_mask_50');
  const { page } = detect;
  await page.locator('#model').selectOption('mask_rcnn_R_50_FPN_3x');
  await detect.fault(
    /no answer.*Or download https:.*model_final_f10217\.pkl yourself, and drop the file here/,
  );
  await page.locator('#sample').selectOption('astronaut');
  await page.getByText('About this model').click();
  await page.getByLabel('Fetch it from').fill(`${mirror.url}/mask_50.pkl`);
  await page.getByLabel('Fetch it from').press('Enter');
  await detect.done();
  expect(page.url()).toContain(`weights=${encodeURIComponent(`${mirror.url}/mask_50.pkl`)}`);
  await expectGolden(golden);
});

test('a dropped .pth with keypoints: skeletons over the picture', { timeout: TIMEOUT }, async () => {
  const { page } = detect;
  await page.evaluate(drop, `${mirror.url}/keypoint.pth`);
  await page.locator('#model option:checked', { hasText: 'keypoint.pth' }).waitFor({ state: 'attached' });
  await detect.done();
  const golden = readGolden('family_tv_keypoint');
  await expectGolden(golden);

  const { boxScoreThresh } = JSON.parse(golden.metadata.options!) as { boxScoreThresh: number };
  await detect.setScore(Math.ceil(100 * boxScoreThresh) / 100);
  const colours = async () => {
    const [first] = await detect.told(boxScoreThresh);
    const { data, width } = await detect.stage();
    const frame = (await page.locator('#canvas').boundingBox())!;
    const places = await Promise.all(first!.keypoints.map(({ x, y }) => detect.place(x, y, 640, 480)));
    return places.map(([x, y]) => {
      const at = 4 * (Math.round(y - frame.y) * width + Math.round(x - frame.x));
      return [...data.slice(at, at + 3)].join();
    });
  };
  expect((await colours()).filter((colour) => colour === '255,255,255').length).toBeGreaterThan(8);
  await page.screenshot({ path: `${SHOTS}/detect_keypoints.png` });
  await detect.tab('Compare');
  await page.getByText('This model has no mask branch.').waitFor();
  await detect.tab('Export');
  expect(await detect.button('Masks, PNG (zip)').isDisabled()).toBe(true);
  const { bytes } = await detect.download(() => detect.button('COCO JSON').click());
  const [result] = JSON.parse(new TextDecoder().decode(bytes)) as CocoResult[];
  const [first] = await detect.told(boxScoreThresh);
  first!.keypoints.forEach(({ x, y }, i) => {
    expect(Math.abs(result!.keypoints![3 * i]! - x)).toBeLessThan(0.0051);
    expect(Math.abs(result!.keypoints![3 * i + 1]! - y)).toBeLessThan(0.0051);
  });
  await page.getByLabel('keypoints').uncheck();
  expect((await colours()).filter((colour) => colour === '255,255,255').length).toBeLessThan(4);
});

test('an address of one’s own', { timeout: TIMEOUT }, async () => {
  const { page } = detect;
  await page.locator('#model').selectOption({ label: 'From an address…' });
  await page.getByLabel('Address of a').fill(`${mirror.url}/nuclei.safetensors`);
  await detect.button('Load').click();
  await page.locator('#sample').selectOption('nuclei');
  await detect.done();
  expect(page.url()).toContain('model=address');
  expect(await page.locator('.facts').textContent()).toContain('Findsnucleus');
});

test.each([
  ['text.safetensors', Buffer.from('no weights at all'), /text\.safetensors/],
  ['hostile.pkl', Buffer.from(pickleOf(py.dict([['model', command]]))), /'posix\.system', which is refused/],
  ['cut.pth', Buffer.from(cut.subarray(0, cut.length / 2)), /cut\.pth/],
])('%s is refused, and told why', async (name, buffer, words) => {
  await detect.page.locator('#weights').setInputFiles({ name, mimeType: '', buffer });
  await detect.fault(words);
  await detect.page.getByText('No model is loaded').waitFor();
});

test('after that, another model works', { timeout: TIMEOUT }, async () => {
  const { png } = await nucleiCrop();
  await detect.page.locator('#model').selectOption('nuclei');
  await detect.page.getByLabel('Shorter side').selectOption({ label: `${192} px` });
  await detect.choose('crop.png', png);
  expect(await detect.count()).toBeGreaterThan(3);
  expect(detect.faults.filter((fault) => !fault.includes('ERR_NAME_NOT_RESOLVED'))).toEqual([]); // publishers, who do not answer
  await detect.close();
});

test.skipIf(absent)('everyday things in a photograph, by their classes', { timeout: TIMEOUT }, async () => {
  const sides = { minSize: 160, maxSize: Math.round((160 * 5) / 3) };
  const model = await MaskRCNN.load(published, { device: await testDevice(), ...sides });
  const { detections } = await model.detect(await picture('tests/images/coffee_427x640.png'));
  model.destroy();
  const counts = new Map<string, number>();
  const likely = detections.filter(({ score }) => score >= 0.3);
  for (const { label } of likely) counts.set(label, (counts.get(label) ?? 0) + 1);
  expect(counts.size).toBeGreaterThan(1);

  const settings = `size=160&picture=coffee&score=0.3&model=address&weights=${mirror.url}/maskrcnn2go/`;
  detect = await DetectPage.open(site, `#${settings}`);
  const { page } = detect;
  await detect.done();
  expect(await detect.count()).toBe(likely.length);
  const chips = page.locator('#classes label');
  const wanted = [...counts].map(([name, number]) => `${name} ${number}`);
  expect(new Set(await chips.allTextContents())).toEqual(new Set(wanted));
  const runs = await detect.runs();
  const [first, number] = [...counts][0]!;
  const chip = page.locator('#classes').getByLabel(new RegExp(`^${first}`));
  await chip.uncheck();
  expect(await detect.count()).toBe(likely.length - number);
  expect(page.url()).toContain(`hidden=${first.replaceAll(' ', '+')}`);
  await chip.press('Space');
  expect(await detect.count()).toBe(likely.length);
  await page.getByLabel('colours by class').check();
  expect(await detect.runs()).toBe(runs);
  await page.screenshot({ path: `${SHOTS}/detect_photograph.png` });
  expect(detect.faults).toEqual([]);
  await detect.close();
});

/** In the page: drops the file that is at `url`. */
async function drop(url: string): Promise<void> {
  const transfer = new DataTransfer();
  transfer.items.add(new File([await (await fetch(url)).blob()], url.split('/').at(-1)!));
  document.body.dispatchEvent(
    new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }),
  );
}

/** What the page was told equals the golden. */
async function expectGolden(golden: Golden): Promise<void> {
  const want = (what: string) => golden.tensor(`float64/${what}`).data;
  const allowed = (what: string) => NOISE_FACTOR * Number(golden.metadata[`float32_noise_${what}`]);
  const { boxScoreThresh } = JSON.parse(golden.metadata.options!) as { boxScoreThresh: number };
  const found = await detect.told(boxScoreThresh);
  expect(found.length).toBe(want('labels').length);
  const ours = inOrderOf(want('scores'), want('labels'), want('boxes'), found, allowed('scores'));
  expect(
    largest(
      ours.flatMap(({ box }) => box),
      want('boxes'),
    ),
  ).toBeLessThanOrEqual(allowed('boxes'));
  expect(
    largest(
      ours.map(({ score }) => score),
      want('scores'),
    ),
  ).toBeLessThanOrEqual(allowed('scores'));
  if (golden.has('float64/keypoints')) {
    const points = ours.flatMap(({ keypoints }) => keypoints.flatMap(({ x, y, score }) => [x, y, score]));
    expect(largest(points, want('keypoints'))).toBeLessThanOrEqual(allowed('keypoints'));
  }
  if (!golden.has('float64/mask_areas')) return;
  ours.forEach(({ bits }, i) => {
    const area = bits.replaceAll('0', '').length;
    expect(Math.abs(area - want('mask_areas')[i]!)).toBeLessThanOrEqual(want('mask_doubtful')[i]!);
  });
}
