// Live pictures on the page Detect, in Chromium: its fake camera, and video files whose every frame is known. Objects
// keep their numbers from frame to frame, and those that cross the line are counted.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodedClip, recordedClip, type Scene } from './clip';
import { DetectPage, SIZE, TIMEOUT } from './detect_page';
import { openSite, SHOTS, type Site } from './site';

/** One goes to the right, one to the left, one stays. */
const SCENE: Scene = {
  width: 128,
  height: 96,
  nuclei: [
    { from: [40, 24], to: [90, 24], radii: [10, 8] },
    { from: [92, 52], to: [40, 52], radii: [8, 9] },
    { from: [30, 78], to: [30, 78], radii: [9, 8] },
  ],
  frames: 8,
  rate: 8,
};
const SETTINGS = `#size=${SIZE}&line=0.5+0.02+0.5+0.98&frames=every`;

let site: Site;
let detect: DetectPage;

beforeAll(async () => {
  site = await openSite(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
  detect = await DetectPage.open(site, SETTINGS);
  await detect.done();
}, TIMEOUT);
afterAll(() => site?.close());

const textOf = (selector: string) => detect.page.locator(selector).textContent();
const ended = () => detect.button('Go on').waitFor({ timeout: TIMEOUT });
const open = (name: string, buffer: Buffer) =>
  detect.page.locator('#file').setInputFiles({ name, mimeType: 'video/webm', buffer });

describe('a video file', () => {
  test('is followed frame by frame: numbers stay, and the line counts', { timeout: TIMEOUT }, async () => {
    const { page } = detect;
    const runs = await detect.runs();
    await open('clip.webm', await encodedClip(page, SCENE));
    await ended();
    expect([await textOf('#tracks'), await textOf('#frames')]).toEqual(['3', String(SCENE.frames)]);
    expect(await detect.runs()).toBe(runs + SCENE.frames);
    // going to the right in the picture is to the left of a line that goes down
    expect(await page.locator('#crossed td').allTextContents()).toEqual(['nucleus', '1', '1']);
    await detect.tab('Objects');
    const rows = await page.locator('#instances .name').allTextContents();
    expect(rows.toSorted()).toEqual(['1 nucleus', '2 nucleus', '3 nucleus']);
    await page.screenshot({ path: `${SHOTS}/detect_video.png` });
    await detect.tab('Export');
    await page.getByText('Keep the frame first').waitFor();
    expect(await detect.button('COCO JSON').isDisabled()).toBe(true);
  });

  test('its last frame is kept, and measured', { timeout: TIMEOUT }, async () => {
    await detect.tab('Follow');
    await detect.button('Keep this frame').click();
    await detect.page.locator('#canvas[aria-label^="frame.png: 3 objects"]').waitFor();
    await detect.done();
    const boxes = (await detect.told(0.5)).map(({ box }) => box);
    for (const {
      to: [x, y],
      radii: [across, down],
    } of SCENE.nuclei) {
      const wanted = [x - across, y - down, x + across, y + down];
      const near = boxes.filter((box) => box.every((edge, k) => Math.abs(edge - wanted[k]!) < 3));
      expect(near.length).toBe(1);
    }
  });

  test('as browsers record it: without a length, played at its pace', { timeout: TIMEOUT }, async () => {
    const { page } = detect;
    await open('recorded.webm', await recordedClip(page, SCENE));
    await page.getByLabel('every frame').uncheck();
    expect(page.url()).not.toContain('frames=every');
    await ended();
    const place = page.getByRole('slider', { name: /Place/ });
    const length = Number(await place.getAttribute('max'));
    expect(length).toBeGreaterThan(0.5);
    expect(Number(await textOf('#frames'))).toBeGreaterThan(0);
    await place.fill(String(length / 2));
    await expect.poll(() => textOf('#frames'), { timeout: TIMEOUT }).toBe('1');
    const at = Number(await place.inputValue());
    expect(Math.abs(at - length / 2)).toBeLessThan(0.2);
    await detect.button('Go on').click(); // from there to the end
    await ended();
    expect(Number(await place.inputValue())).toBeGreaterThan(at);
    expect(detect.faults).toEqual([]);
  });
});

describe('the camera', () => {
  test('is followed, paused, and photographed', { timeout: TIMEOUT }, async () => {
    const { page } = detect;
    await detect.setScore(0.05);
    await detect.button('Camera', true).click();
    await page.locator('#canvas[aria-label^="Camera"]').waitFor({ timeout: TIMEOUT }); // after a run of the network
    const end = page.getByRole('button', { name: /End 1 of the counting line/ });
    await end.press('ArrowRight');
    expect(page.url()).toContain('line=0.520');
    const other = page.getByRole('button', { name: /End 2 of the counting line/ });
    const { x, y } = (await other.boundingBox())!;
    await page.mouse.move(x + 14, y + 14);
    await page.mouse.down();
    await page.mouse.move(x + 214, y - 36);
    await page.mouse.up();
    const moved = /line=0.520\+0.020\+([\d.]+)\+([\d.]+)/.exec(page.url())!.slice(1).map(Number);
    expect(moved[0]!).toBeGreaterThan(0.6);
    expect(moved[1]!).toBeLessThan(0.95);
    await page.screenshot({ path: `${SHOTS}/detect_camera.png` });
    await detect.button('Pause').click();
    await detect.button('Go on').click();
    await detect.button('Level').press('Enter');
    expect(page.url()).toContain('line=0.050+0.500+0.950+0.500');
    await page.evaluate(() => window.engine.api.detect.loseDevice());
    await page.getByText('The GPU is back').waitFor({ timeout: TIMEOUT });
    await detect.button('Count anew').click();
    await expect.poll(() => textOf('#frames'), { timeout: TIMEOUT }).not.toBe('0'); // it goes on
    await detect.button('Take the picture').click();
    await page.locator('#canvas[aria-label^="photograph.png"]').waitFor();
    await detect.done();
    expect(await detect.button('Camera', true).getAttribute('aria-pressed')).toBe('false');
    expect(detect.faults).toEqual([]);
  });

  test('that may not be used is told of', async () => {
    await detect.page.evaluate(() => {
      const refused = new DOMException('Permission denied', 'NotAllowedError');
      navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
    });
    await detect.button('Camera', true).click();
    await detect.fault('The camera cannot be used (NotAllowedError): allow it for this page');
    await detect.close();
  });
});
