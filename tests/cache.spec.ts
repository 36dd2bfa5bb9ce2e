// Weights from the network, in Chromium and in Node: fetched once, gone on with where a download broke, given up when
// room is short, checked; and how much of a large .pth is ever on the heap.

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WeightError } from '../src/errors';
import { openModel as openInBrowser } from '../src/load';
import { folderAt } from '../src/node_folder';
import { readWeights } from '../src/weights/read_weights';
import { buildLibrary } from './built_library';
import { launchChromium } from './chromium';
import { pthOf } from './pickled_model';
import { RangeServer } from './range_server';
import { syntheticFile } from './synthetic_weights';
import { send, serve, type WebServer } from './web_server';

declare global {
  var maskrcnn: typeof import('../src/index');
}

const TIMEOUT = 300_000;
const NUCLEI = readFileSync('models/nuclei.safetensors');
const GOLDEN = readFileSync('tests/golden/checkpoints/zip_f32.pth');
const sha256 = createHash('sha256').update(NUCLEI).digest('hex');

let server: WebServer;
let nuclei: RangeServer;
let golden: RangeServer;
let large: RangeServer;
let library: Awaited<ReturnType<typeof buildLibrary>>;

beforeAll(async () => {
  library = await buildLibrary();
  large = new RangeServer(pthOf(await syntheticFile()));
  server = await serve({
    '/': (response) => send(response, readFileSync('tests/browser_page.html'), 'text/html'),
    '/library/': library.folder,
    '/nuclei.safetensors': (response) => nuclei.route(response),
    '/other.safetensors': (response) => nuclei.route(response),
    '/golden.pth': (response) => golden.route(response),
    '/large.pth': (response) => large.route(response),
  });
}, TIMEOUT);

afterAll(async () => {
  await server?.close();
  library?.remove();
});

beforeEach(() => {
  nuclei = new RangeServer(NUCLEI);
  golden = new RangeServer(GOLDEN);
});

interface Options {
  sha256?: string;
  cache?: boolean | { maxBytes: number };
}

/** What reading `path` came to: how many bytes of tensors, or the error. */
type Reads = (path: string, options?: Options) => Promise<string>;

describe('Node', () => {
  let folder: string;
  const read: Reads = async (path, options = {}) => {
    let bytes = 0;
    const source = await openInBrowser(`${server.url}${path}`, options, async () => folderAt(folder));
    await readWeights(source, {
      header() {},
      data: (_, __, piece) => {
        bytes += piece.length;
      },
    });
    return `${bytes}`;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weights-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  cases((path, options) => read(path, options).catch((error) => `${error.name}: ${error.message}`));

  test('a file that is refused leaves nothing behind', async () => {
    await expect(read('/nuclei.safetensors', { sha256: '00' })).rejects.toThrow(WeightError);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('Chromium', () => {
  let browser: Browser;
  let page: Page;
  const read: Reads = (path, options = {}) =>
    page.evaluate(
      async ([url, given]) => {
        let bytes = 0;
        try {
          await maskrcnn.readWeights(await maskrcnn.openModel(url, given), {
            header() {},
            data: (_, __, piece) => {
              bytes += piece.length;
            },
          });
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
        return `${bytes}`;
      },
      [path, options] as [string, Options],
    );

  async function open(before?: () => void): Promise<void> {
    const context = await browser.newContext(); // with storage of its own
    page = await context.newPage();
    if (before) await page.addInitScript(before);
    await page.goto(`${server.url}/`);
    await page.waitForFunction(() => globalThis.maskrcnn);
  }

  beforeAll(async () => {
    browser = await launchChromium(['--enable-precise-memory-info']);
  }, TIMEOUT);
  afterAll(() => browser?.close());
  afterEach(() => page.context().close());

  describe('in the private file system', () => {
    beforeEach(() => open(), TIMEOUT);
    cases((path, options) => read(path, options));

    test('a published name with an address of one’s own', { timeout: TIMEOUT }, async () => {
      const load = () =>
        page.evaluate(async () => {
          const opened = await maskrcnn.openModel('torchvision/maskrcnn_resnet50_fpn', {
            url: '/golden.pth',
          });
          const { metadata, tensors } = await maskrcnn.readWeights(opened, { header() {}, data() {} });
          return { metadata: { ...metadata }, tensors: tensors.length };
        });
      const { metadata, tensors } = await load();
      expect(tensors).toBe(9);
      expect(metadata).toEqual({
        architecture: 'torchvision/maskrcnn_resnet50_fpn',
        bn_eps: '0',
        licence: 'BSD-3-Clause',
        source: `${server.url}/golden.pth`,
      });
      expect(golden.take()).toEqual(['GET']);
      await page.reload();
      await page.waitForFunction(() => globalThis.maskrcnn);
      await load();
      expect(golden.take()).toEqual(['HEAD']);
    });

    test('178 MB of .pth go to the GPU, 16 MB at most of them on the heap', {
      timeout: TIMEOUT,
    }, async () => {
      const session = await page.context().newCDPSession(page);
      const heap = async () => {
        const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
        return (usedSize + backingStorageSize) / 1e6; // the latter: of array buffers
      };
      await session.send('HeapProfiler.collectGarbage');
      const before = await heap();
      await page.evaluate(() => {
        const { load } = maskrcnn.MaskRCNN;
        globalThis.loading = load('/large.pth');
        globalThis.loading.catch(() => {});
        void globalThis.loading.then(() => {
          globalThis.loaded = 1;
        });
      });
      let peak = 0;
      for (let done = false; !done; ) {
        await session.send('HeapProfiler.collectGarbage');
        peak = Math.max(peak, (await heap()) - before);
        await new Promise((resolve) => setTimeout(resolve, 100));
        done = await page.evaluate(() => globalThis.loaded === 1);
      }
      expect(large.take()).toEqual(['GET']);
      console.info(`178 MB of .pth: the heap grew by ${peak.toFixed(1)} MB at most`);
      expect(peak).toBeLessThan(16);
    });
  });

  describe('in the Cache, where files cannot be written to', () => {
    beforeEach(
      () =>
        open(() => {
          Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable');
        }),
      TIMEOUT,
    );
    test('a second load reads only what is kept', { timeout: TIMEOUT }, async () => {
      for (const asked of [['GET'], ['HEAD']]) {
        expect(await read('/nuclei.safetensors')).toBe(await bytesOf());
        expect(nuclei.take()).toEqual(asked);
      }
      for (const asked of [['GET'], ['HEAD']]) {
        expect(await read('/golden.pth')).toMatch(/^\d+$/);
        expect(golden.take()).toEqual(asked);
      }
    });
  });
});

let dataBytes: string | undefined;
async function bytesOf(): Promise<string> {
  dataBytes ??= String((await readWeights(NUCLEI, { header() {}, data() {} })).dataBytes);
  return dataBytes;
}

/** What holds wherever files are kept. */
function cases(read: Reads): void {
  const options = { timeout: TIMEOUT };

  test('a second load reads only what is kept', options, async () => {
    expect(await read('/nuclei.safetensors')).toBe(await bytesOf());
    expect(nuclei.take()).toEqual(['GET']);
    expect(await read('/nuclei.safetensors')).toBe(await bytesOf());
    expect(nuclei.take()).toEqual(['HEAD']); // whether there is a newer version
  });

  test('with a checksum, not even a version is asked for', options, async () => {
    for (const asked of [['GET'], []]) {
      expect(await read('/nuclei.safetensors', { sha256 })).toBe(await bytesOf());
      expect(nuclei.take()).toEqual(asked);
    }
  });

  test('a .pth comes in one request, and then from what is kept', options, async () => {
    for (const asked of [['GET'], ['HEAD']]) {
      expect(await read('/golden.pth')).toMatch(/^\d+$/);
      expect(golden.take()).toEqual(asked);
    }
  });

  test('a newer version is fetched', options, async () => {
    await read('/nuclei.safetensors');
    nuclei.version = 2;
    nuclei.take();
    expect(await read('/nuclei.safetensors')).toBe(await bytesOf());
    expect(nuclei.take()).toEqual(['HEAD', 'GET']);
  });

  test('cache: false fetches each time; a .pth in parts where the server gives them', options, async () => {
    for (let i = 0; i < 2; i++) {
      expect(await read('/nuclei.safetensors', { cache: false })).toBe(await bytesOf());
      expect(nuclei.take()).toEqual(['GET']);
    }
    const whole = await read('/golden.pth', { cache: false });
    expect(whole).toMatch(/^\d+$/);
    expect(golden.take().slice(0, 2)).toEqual(['GET', 'GET bytes=0-']);
    golden.ranges = false;
    expect(await read('/golden.pth', { cache: false })).toBe(whole);
  });

  test('a broken connection is taken up again where it broke', options, async () => {
    nuclei.breakAfter = 3_000_000;
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await bytesOf());
    const [first, second, ...more] = nuclei.take();
    expect([first, more]).toEqual(['GET', []]);
    expect(second).toMatch(/^GET bytes=\d+-$/);
    const from = Number(/\d+/.exec(second!));
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(3_000_000);
  });

  test('where a server has no ranges, it begins anew', options, async () => {
    nuclei.ranges = false;
    nuclei.breakAfter = 3_000_000;
    expect(await read('/nuclei.safetensors', { sha256 })).toBe(await bytesOf());
    expect(nuclei.take()).toHaveLength(2);
  });

  test('another version in the middle of a download is refused', options, async () => {
    nuclei.breakAfter = 3_000_000;
    const reading = read('/nuclei.safetensors');
    await new Promise((resolve) => setTimeout(resolve, 20));
    nuclei.version = 2;
    const outcome = await reading;
    // by the time of the change all may not have begun: then it is the newer version from the start
    expect(outcome).toMatch(/^WeightError: .*another version|^\d+$/);
  });

  test('the least recently used is given up where room is short', options, async () => {
    const cache = { maxBytes: 1.5 * NUCLEI.length };
    await read('/nuclei.safetensors', { cache });
    await read('/other.safetensors', { cache });
    nuclei.take();
    await read('/other.safetensors', { cache });
    expect(nuclei.take()).toEqual(['HEAD']);
    await read('/nuclei.safetensors', { cache });
    expect(nuclei.take()).toEqual(['GET']);
  });

  test('a file for which there is no room is a WeightError that says what to do', options, async () => {
    expect(await read('/nuclei.safetensors', { cache: { maxBytes: 1e6 } })).toMatch(
      /^WeightError: .*the cache is full: wanted \d+ bytes.*load with cache: false/,
    );
  });

  test('a file of another checksum is refused, and not kept', options, async () => {
    const wrong = `00${sha256.slice(2)}`;
    for (let i = 0; i < 2; i++) {
      expect(await read('/nuclei.safetensors', { sha256: wrong })).toMatch(
        new RegExp(`^WeightError: .*SHA-256 begins with ${wrong}, got ${sha256}`),
      );
      expect(nuclei.take()).toEqual(['GET']);
    }
  });
}
