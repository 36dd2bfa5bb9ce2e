import { test } from 'vitest';
import { openSite } from './pages/site';

test('speed', { timeout: 400000 }, async () => {
  const site = await openSite();
  const page = await (await site.browser.newContext()).newPage();
  for (const q of [
    'size=128&objects=own',
    'size=128&objects=30',
    'size=192&objects=50',
    'size=128&objects=30',
  ]) {
    const t = performance.now();
    await page.goto(`${site.url}explore.html?${q}`);
    await page.getByText('480 × 360 px, resized to').waitFor({ timeout: 200000 });
    console.log(
      'SPEED',
      q,
      await page.getByText('480 × 360 px, resized to').textContent(),
      (performance.now() - t).toFixed(),
    );
    const t2 = performance.now();
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.getByRole('progressbar').waitFor({ state: 'detached', timeout: 200000 });
    console.log(
      'SPEED again',
      (performance.now() - t2).toFixed(),
      await page.getByText('480 × 360 px, resized to').textContent(),
    );
  }
  await site.close();
});
